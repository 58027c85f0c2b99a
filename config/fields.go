package config

import (
	"fmt"
	"strings"
)

// field is one attribute as a person writes it; "" is not set.
type field struct{ name, value string }

// fieldChanges returns the attributes that differ, in the order of the document. Both lists name the same attributes.
func fieldChanges(from, to []field) []FieldChange {
	var out []FieldChange
	for i, f := range from {
		if f.value != to[i].value {
			out = append(out, FieldChange{Name: f.name, From: f.value, To: to[i].value})
		}
	}
	return out
}

// checkChanges is fieldChanges for checks, either of which may be missing.
func checkChanges(from, to *Check) []FieldChange {
	switch {
	case from == nil && to == nil:
		return nil
	case from == nil:
		return []FieldChange{{Name: "check", To: checkText(*to)}}
	case to == nil:
		return []FieldChange{{Name: "check", From: checkText(*from)}}
	default:
		return fieldChanges(checkFields(*from), checkFields(*to))
	}
}

func clusterFields(c Cluster) []field {
	failback, sync := "false", ""
	if c.Failback {
		failback = "true"
	}
	if s := c.SyncDaemon; s != nil {
		sync = s.String()
	}
	return []field{
		{"standby", string(c.Standby)},
		{"prefer", strings.Join(c.Prefer, ", ")},
		{"failback", failback},
		{"sync_daemon", sync},
		{"timeouts tcp", writtenOr(c.Timeouts.TCP, "")},
		{"timeouts tcp_fin", writtenOr(c.Timeouts.TCPFin, "")},
		{"timeouts udp", writtenOr(c.Timeouts.UDP, "")},
		{"sysctls", sysctlsText(c.Sysctls)},
	}
}

func vipFields(v VIP) []field {
	return []field{{"name", v.Name}, {"address", v.Address.String()}, {"interface", v.Interface}, {"group", v.Group}}
}

func virtualFields(v Virtual) []field {
	address, mark, family, masquerade, persistent := "", "", "", "", ""
	if v.Address.IsValid() {
		address = v.Address.String()
	}
	if v.FWMark != 0 {
		mark, family = fmt.Sprint(v.FWMark), string(v.Family)
	}
	if v.Masquerade {
		masquerade = "true"
	}
	active := "true"
	if v.Inactive {
		active = "false"
	}
	if p := v.Persistent; p != nil {
		persistent = persistentText(*p)
	}
	return []field{
		{"name", v.Name},
		{"active", active},
		{"fwmark", mark},
		{"family", family},
		{"address", address},
		{"interface", v.Interface},
		{"port", v.portsText()},
		{"protocol", string(v.Protocol)},
		{"scheduler", v.Scheduler},
		{"flags", strings.Join(v.Flags, ", ")},
		{"forward", string(v.Forward)},
		{"tunnel", tunnelText(v.Tunnel)},
		{"masquerade", masquerade},
		{"persistent", persistent},
		{"min_servers", fmt.Sprint(v.MinServers)},
		{"hysteresis", orNone(v.Hysteresis)},
		{"sorry_server", sorryText(v)},
		{"on_failure", string(v.OnFailure)},
		{"panic", orNone(v.Panic)},
		{"slow_start", writtenOr(v.SlowStart, "")},
		{"slow_curve", string(v.SlowCurve)},
		{"probe", string(v.Probe)},
		{"votes", orNone(v.Votes)},
	}
}

// orNone is a number whose 0 says nothing.
func orNone(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func serverFields(s Server) []field {
	return []field{
		{"name", s.Name},
		{"address", hostPort(s.Address)},
		{"forward", string(s.Forward)},
		{"tunnel", tunnelText(s.Tunnel)},
		{"weight", fmt.Sprint(s.Weight)},
		{"upper", orNone(s.Upper)},
		{"lower", orNone(s.Lower)},
	}
}

func persistentText(p Persistent) string {
	text := Brief(p.Timeout)
	if p.Mask != 0 {
		text += fmt.Sprintf(" /%d", p.Mask)
	}
	if p.Engine != "" {
		text += " engine " + p.Engine
	}
	return text
}

// where is how a virtual is reached: "192.0.2.10:80/tcp" or "fwmark 7 ipv4".
func where(v Virtual) string {
	if v.FWMark != 0 {
		return fmt.Sprintf("fwmark %d %s", v.FWMark, v.Family)
	}
	host := v.Address.String()
	if v.Address.Is6() {
		host = "[" + host + "]"
	}
	return fmt.Sprintf("%s:%s/%s", host, v.portsText(), v.Protocol)
}

func vipText(v VIP) string {
	text := v.Address.String()
	if v.Interface != "" {
		text += " on " + v.Interface
	}
	return text
}

func virtualText(v Virtual) string {
	text := fmt.Sprintf("%s scheduler %s forward %s", where(v), v.Scheduler, v.Forward)
	if own := tunnelText(v.Tunnel); own != "" {
		text += " tunnel " + own
	}
	if v.Masquerade {
		text += " masquerade"
	}
	if v.Inactive {
		text += " not active"
	}
	if v.Persistent != nil {
		text += " persistent " + persistentText(*v.Persistent)
	}
	return text
}

func serverText(v Virtual, s Server) string {
	text := fmt.Sprintf("%s weight %d", v.short(s.Address), s.Weight)
	if s.Forward != v.Forward {
		text += " forward " + string(s.Forward)
	}
	if own := tunnelText(s.Tunnel); own != "" && own != tunnelText(v.Tunnel) {
		text += " tunnel " + own
	}
	if s.Upper != 0 {
		text += fmt.Sprintf(" upper %d lower %d", s.Upper, s.Lower)
	}
	if s.Check != nil {
		text += " check " + checkText(*s.Check)
	}
	return text
}
