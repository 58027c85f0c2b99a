package config

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// setText, and the like below, store an attribute's value in a field of the document.
func setText[T ~string](field *T) func(value) {
	return func(v value) {
		text, ok := v.text()
		if ok && text == "" {
			v.fail("the text is empty", "", "Leave the attribute out to get its default.")
			return
		}
		if ok {
			*field = T(text)
		}
	}
}

func setTexts(field *[]string) func(value) {
	return func(v value) {
		if texts, ok := v.texts(); ok {
			*field = texts
		}
	}
}

func setInt(field *int) func(value) {
	return func(v value) {
		v.number(math.MinInt32, math.MaxInt32, func(n int64) { *field = int(n) })
	}
}

func setPort(field *uint16) func(value) {
	return func(v value) {
		v.number(1, math.MaxUint16, func(n int64) { *field = uint16(n) })
	}
}

func setBool(field *bool) func(value) {
	return func(v value) {
		v.boolean(func(b bool) { *field = b })
	}
}

func setDuration(field *time.Duration) func(value) {
	return func(v value) {
		v.duration(func(d time.Duration) { *field = d })
	}
}

func (r *reader) cluster(b *hclsyntax.Block, p path) {
	c := &r.doc.Cluster
	r.body(b.Body, p, map[string]func(value){
		"standby":  setText(&c.Standby),
		"prefer":   setTexts(&c.Prefer),
		"failback": setBool(&c.Failback),
		"sysctls":  func(v value) { v.textMap(func(m map[string]string) { c.Sysctls = m }) },
	}, map[string]blockSpec{
		"sync_daemon": {read: func(b *hclsyntax.Block, p path) {
			s := SyncDaemon{}
			r.body(b.Body, p, map[string]func(value){
				"interface": setText(&s.Interface),
				"id":        setInt(&s.ID),
				"group":     func(a value) { a.address(func(x netip.Addr) { s.Group = x }) },
				"port":      setPort(&s.Port),
				"ttl":       func(a value) { a.number(1, 255, func(n int64) { s.TTL = int(n) }) },
				"maxlen":    func(a value) { a.number(leastSyncLen, mostSyncLen, func(n int64) { s.MaxLen = int(n) }) },
			}, nil)
			c.SyncDaemon = &s
		}},
		"timeouts": {read: func(b *hclsyntax.Block, p path) {
			r.body(b.Body, p, map[string]func(value){
				"tcp":     setDuration(&c.Timeouts.TCP),
				"tcp_fin": setDuration(&c.Timeouts.TCPFin),
				"udp":     setDuration(&c.Timeouts.UDP),
			}, nil)
		}},
	})
}

func (r *reader) vip(b *hclsyntax.Block, p path) {
	if len(b.Labels) == 0 {
		return
	}
	v := VIP{Name: b.Labels[0], Group: "default"}
	r.body(b.Body, p, map[string]func(value){
		"address":   func(a value) { a.prefix(func(x netip.Prefix) { v.Address = x }) },
		"interface": setText(&v.Interface),
		"group":     setText(&v.Group),
	}, nil)
	r.doc.VIPs = append(r.doc.VIPs, v)
}

func (r *reader) virtual(b *hclsyntax.Block, p path) {
	if len(b.Labels) == 0 {
		return
	}
	v := Virtual{Name: b.Labels[0], Scheduler: "wlc", Forward: DR, MinServers: 1, OnFailure: Remove}
	r.body(b.Body, p, map[string]func(value){
		"active":       func(a value) { a.boolean(func(b bool) { v.Inactive = !b }) },
		"address":      func(a value) { a.address(func(x netip.Addr) { v.Address = x }) },
		"interface":    setText(&v.Interface),
		"port":         func(a value) { a.number(0, math.MaxUint16, func(n int64) { v.Ports = []uint16{uint16(n)} }) },
		"ports":        func(a value) { r.ports(a, b.Body, &v) },
		"protocol":     setText(&v.Protocol),
		"fwmark":       func(a value) { a.number(1, math.MaxUint32, func(n int64) { v.FWMark = uint32(n) }) },
		"family":       setText(&v.Family),
		"scheduler":    setText(&v.Scheduler),
		"flags":        setTexts(&v.Flags),
		"forward":      setText(&v.Forward),
		"masquerade":   setBool(&v.Masquerade),
		"min_servers":  setInt(&v.MinServers),
		"hysteresis":   setInt(&v.Hysteresis),
		"sorry_server": func(a value) { a.addressPort(func(x netip.AddrPort) { v.Sorry = append(v.Sorry, SorryServer(x)) }) },
		"on_failure":   setText(&v.OnFailure),
		"panic":        setInt(&v.Panic),
		"slow_start":   setDuration(&v.SlowStart),
		"slow_curve":   setText(&v.SlowCurve),
		"probe":        setText(&v.Probe),
		"votes":        func(a value) { a.number(1, maxVotes, func(n int64) { v.Votes = int(n) }) },
	}, map[string]blockSpec{
		"persistent": {read: func(b *hclsyntax.Block, p path) {
			v.Persistent = &Persistent{Timeout: 5 * time.Minute}
			r.body(b.Body, p, map[string]func(value){
				"timeout": setDuration(&v.Persistent.Timeout),
				"netmask": func(a value) { a.mask(func(bits int) { v.Persistent.Mask = bits }) },
				"engine":  setText(&v.Persistent.Engine),
			}, nil)
		}},
		"tunnel": r.tunnel(&v.Tunnel),
		"check":  r.oneCheck(&v.Check),
		"server": {label: "name", read: func(b *hclsyntax.Block, p path) { r.server(b, p, &v) }},

		"sorry_server": {label: "name", read: func(b *hclsyntax.Block, p path) { r.sorryServer(b, p, &v) }},
	})
	if r.unread[p.attr("fwmark")] {
		r.unread[p.attr("address")], r.unread[p.attr("port")] = true, true
	}
	if r.unread[p.attr("ports")] {
		r.unread[p.attr("port")] = true
	}
	r.doc.Virtuals = append(r.doc.Virtuals, v)
}

func (r *reader) ports(a value, body *hclsyntax.Body, v *Virtual) {
	if _, both := body.Attributes["port"]; both {
		a.fail("port and ports cannot both be there", "", "Keep one of them.")
		return
	}
	list, ok := a.list(someNumbers)
	if !ok {
		return
	}
	tuple, _ := a.expr.(*hclsyntax.TupleConsExpr)
	for i, e := range list {
		a := a
		if tuple != nil && i < len(tuple.Exprs) {
			a.expr = tuple.Exprs[i] // so that each bad one is named
		}
		if e.IsNull() {
			a.fail("a list of numbers is wanted here, and it holds null", "", "Write it as [80, 443].")
			continue
		}
		if e.Type() == cty.String && strings.ContainsRune(e.AsString(), '-') {
			ports, ok := parsePortRange(e.AsString())
			if !ok {
				a.fail(fmt.Sprintf("%q is not a range of ports", e.AsString()), "Ports are 1 to 65535, the smaller first.", `Write it as "8000-8100".`)
				continue
			}
			v.Ranges = append(v.Ranges, ports)
			continue
		}
		n, ok := a.whole(e, 1, math.MaxUint16)
		if !ok {
			continue
		}
		v.Ports = append(v.Ports, uint16(n))
	}
}

func (r *reader) server(b *hclsyntax.Block, p path, v *Virtual) {
	if len(b.Labels) == 0 {
		return
	}
	s := Server{Name: b.Labels[0], Weight: 1}
	r.body(b.Body, p, map[string]func(value){
		"address": func(a value) { a.addressPort(func(x netip.AddrPort) { s.Address = x }) },
		"forward": setText(&s.Forward),
		"weight":  setInt(&s.Weight),
		"upper":   setInt(&s.Upper),
		"lower":   setInt(&s.Lower),
	}, map[string]blockSpec{"tunnel": r.tunnel(&s.Tunnel), "check": r.oneCheck(&s.Check)})
	v.Servers = append(v.Servers, s)
}
