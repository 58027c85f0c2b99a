package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Format writes d as HCL text in one canonical layout: what Parse reads back as an equal document, with what is not set and
// most of what is default left out. d must be valid; comments of a text it came from are not part of it.
func Format(d Document) []byte {
	d = Complete(d)
	f := hclwrite.NewEmptyFile()
	w := writer{f.Body()}
	w.cluster(d.Cluster)
	for _, block := range w.blocks(d) {
		w.line()
		block()
	}
	return hclwrite.Format(f.Bytes())
}

// FormatBlocks writes what a document has beside its cluster as Format does, alone. It must be complete and valid.
func FormatBlocks(d Document) []byte {
	f := hclwrite.NewEmptyFile()
	w := writer{f.Body()}
	for i, block := range w.blocks(d) {
		if i > 0 {
			w.line()
		}
		block()
	}
	return hclwrite.Format(f.Bytes())
}

// FormatVirtuals writes virtuals as Format does, alone. They must be complete and valid.
func FormatVirtuals(list []Virtual) []byte { return FormatBlocks(Document{Virtuals: list}) }

// blocks write the document's parts beside the cluster, in their order.
func (w writer) blocks(d Document) []func() {
	var out []func()
	for _, v := range d.VIPs {
		out = append(out, func() { w.vip(v) })
	}
	for _, v := range d.Virtuals {
		out = append(out, func() { w.virtual(v) })
	}
	for _, n := range d.Notifies {
		out = append(out, func() { w.notify(n) })
	}
	for _, c := range d.RouterChecks {
		out = append(out, func() { w.routerCheck(c) })
	}
	return out
}

// writer writes into one body.
type writer struct {
	body *hclwrite.Body
}

func (w writer) line() { w.body.AppendNewline() }

func (w writer) block(kind string, labels ...string) writer {
	return writer{w.body.AppendNewBlock(kind, labels).Body()}
}

// text, number and the like leave out what is not set.
func (w writer) text(name, s string) {
	if s != "" {
		w.body.SetAttributeValue(name, cty.StringVal(s))
	}
}

func (w writer) texts(name string, list []string) {
	if len(list) == 0 {
		return
	}
	values := make([]cty.Value, len(list))
	for i, s := range list {
		values[i] = cty.StringVal(s)
	}
	w.body.SetAttributeValue(name, cty.TupleVal(values))
}

func (w writer) textMap(name string, m map[string]string) {
	if len(m) == 0 {
		return
	}
	values := make(map[string]cty.Value, len(m))
	for key, s := range m {
		values[key] = cty.StringVal(s)
	}
	w.body.SetAttributeValue(name, cty.ObjectVal(values))
}

func (w writer) number(name string, n int) {
	w.body.SetAttributeValue(name, cty.NumberIntVal(int64(n)))
}

func (w writer) unlessZero(name string, n int) {
	if n != 0 {
		w.number(name, n)
	}
}

func (w writer) yes(name string, b bool) {
	if b {
		w.body.SetAttributeValue(name, cty.True)
	}
}

func (w writer) cluster(c Cluster) {
	w = w.block("cluster")
	w.text("standby", string(c.Standby))
	w.texts("prefer", c.Prefer)
	w.yes("failback", c.Failback)
	w.textMap("sysctls", c.Sysctls)
	if s := c.SyncDaemon; s != nil {
		w := w.block("sync_daemon")
		w.text("interface", s.Interface)
		w.number("id", s.ID)
		if s.Group.IsValid() {
			w.text("group", s.Group.String())
		}
		for _, n := range s.numbers() {
			if n.value != 0 {
				w.number(n.name, n.value)
			}
		}
	}
	if t := c.Timeouts; t != (Timeouts{}) {
		w := w.block("timeouts")
		w.text("tcp", writtenOr(t.TCP, ""))
		w.text("tcp_fin", writtenOr(t.TCPFin, ""))
		w.text("udp", writtenOr(t.UDP, ""))
	}
}

func (w writer) vip(v VIP) {
	w = w.block("vip", v.Name)
	w.text("address", v.Address.String())
	w.text("interface", v.Interface)
	if v.Group != "default" {
		w.text("group", v.Group)
	}
}

func (w writer) virtual(v Virtual) {
	w = w.block("virtual", v.Name)
	if v.Inactive {
		w.body.SetAttributeValue("active", cty.False)
	}
	if v.FWMark != 0 {
		w.body.SetAttributeValue("fwmark", cty.NumberUIntVal(uint64(v.FWMark)))
		if v.Family != v.family() {
			w.text("family", string(v.Family))
		}
	} else {
		w.text("address", v.Address.String())
		w.text("interface", v.Interface)
		w.ports(v)
		w.text("protocol", string(v.Protocol))
	}
	w.text("scheduler", v.Scheduler)
	w.texts("flags", v.Flags)
	w.text("forward", string(v.Forward))
	w.yes("masquerade", v.Masquerade)
	if v.MinServers != 1 {
		w.number("min_servers", v.MinServers)
	}
	w.unlessZero("hysteresis", v.Hysteresis)
	sorry, short := v.sorryShort()
	if short {
		w.text("sorry_server", v.short(sorry))
	}
	if v.OnFailure != Remove {
		w.text("on_failure", string(v.OnFailure))
	}
	w.unlessZero("panic", v.Panic)
	w.text("slow_start", writtenOr(v.SlowStart, ""))
	if v.SlowCurve != Linear {
		w.text("slow_curve", string(v.SlowCurve))
	}
	w.text("probe", string(v.Probe))
	w.unlessZero("votes", v.Votes)
	if p := v.Persistent; p != nil {
		w := w.block("persistent")
		w.text("timeout", Brief(p.Timeout))
		if p.Mask != 0 {
			w.text("netmask", fmt.Sprintf("/%d", p.Mask))
		}
		w.text("engine", p.Engine)
	}
	w.tunnel(v.Tunnel, Tunnel{})
	if v.Check != nil {
		w.check(*v.Check, nil)
	}
	for _, s := range v.Servers {
		w.server("server", s, v)
	}
	if short {
		return
	}
	for _, s := range v.Sorry {
		w.server("sorry_server", s, v)
	}
}

// server writes a block of that name for a server of v.
func (w writer) server(name string, s Server, v Virtual) {
	w.line()
	w = w.block(name, s.Name)
	w.text("address", v.short(s.Address))
	if s.Forward != v.Forward {
		w.text("forward", string(s.Forward))
	}
	w.number("weight", s.Weight)
	w.unlessZero("upper", s.Upper)
	w.unlessZero("lower", s.Lower)
	if s.Forward == Tun {
		w.tunnel(s.Tunnel, v.Tunnel)
	}
	if s.Check != nil {
		w.check(*s.Check, nil)
	}
}

func (w writer) ports(v Virtual) {
	if port, one := v.Port(); one {
		w.number("port", int(port))
		return
	}
	var values []cty.Value
	for _, p := range v.Ports {
		values = append(values, cty.NumberUIntVal(uint64(p)))
	}
	for _, r := range v.Ranges {
		values = append(values, cty.StringVal(r.String()))
	}
	w.body.SetAttributeValue("ports", cty.TupleVal(values))
}

func statusText(ranges []StatusRange) string {
	parts := make([]string, len(ranges))
	for i, s := range ranges {
		parts[i] = fmt.Sprint(s.From)
		if s.To != s.From {
			parts[i] = fmt.Sprintf("%d-%d", s.From, s.To)
		}
	}
	return strings.Join(parts, ",")
}

// writtenOr returns d as text, or otherwise when it is not set.
func writtenOr(d time.Duration, otherwise string) string {
	if d == 0 {
		return otherwise
	}
	return Brief(d)
}
