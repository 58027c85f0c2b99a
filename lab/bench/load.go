package main

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"polso/lab"
)

// load is what the routers balance.
type load struct {
	services []lab.Virtual
	shared   bool     // they tell each other of their connections
	sysctls  []string // what an administrator adds for keepalived: path below /proc/sys, value, …
}

// behind is the virtual server whose servers are masqueraded; their gateway moves with the director.
func behind(v lab.Virtual) bool { return v.Address == lab.NATVIP }

func (w load) document(l *lab.Lab) string {
	text := l.Document(w.services...)
	if w.shared {
		return lab.SharedConnections + text
	}
	return text
}

// lines is how many lines the table has.
func (w load) lines() int {
	n := 0
	for _, v := range w.services {
		n += 1 + len(v.Servers)
	}
	return n
}

// placed is an address on its device.
type placed struct {
	addr   netip.Addr
	device string
}

func (w load) addresses() []placed {
	var out []placed
	for _, v := range w.services {
		out = append(out, placed{v.Address, "eth0"})
		if behind(v) {
			out = append(out, placed{lab.Gateway, "eth1"})
		}
	}
	return out
}

// settings sets what Polso sets by itself and keepalived leaves to the administrator.
func (w load) settings(r *lab.Router) error {
	list := slices.Clone(w.sysctls)
	if slices.ContainsFunc(w.services, behind) {
		list = append(list, "net/ipv4/ip_forward", "1", "net/ipv4/conf/all/send_redirects", "0",
			"net/ipv4/conf/eth0/send_redirects", "0", "net/ipv4/conf/eth1/send_redirects", "0")
	}
	return r.Do(func() error {
		for s := range slices.Chunk(list, 2) {
			if err := os.WriteFile("/proc/sys/"+s[0], []byte(s[1]), 0); err != nil {
				return err
			}
		}
		return nil
	})
}

func keepalivedConfig(k kernel, w load, r *lab.Router, version int, advert string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "global_defs {\n  router_id %s\n  vrrp_version %d\n", r.Name, version)
	if w.shared {
		b.WriteString("  lvs_sync_daemon eth1 bench id 7\n")
	}
	fmt.Fprintf(&b, "}\nvrrp_instance bench {\n  state BACKUP\n  nopreempt\n  interface eth0\n  virtual_router_id 51\n  priority %d\n  advert_int %s\n", 100+r.Host, advert)
	b.WriteString("  virtual_ipaddress {\n")
	for _, a := range w.addresses() {
		fmt.Fprintf(&b, "    %s/32 dev %s\n", a.addr, a.device)
	}
	b.WriteString("  }\n}\n")
	if k == answers {
		return b.String()
	}
	for _, v := range w.services {
		method, subnet, host := "DR", "10.9.0", 21
		if behind(v) {
			method, subnet, host = "NAT", "10.9.1", 31
		}
		fmt.Fprintf(&b, "virtual_server %s %d {\n  lvs_sched rr\n  lvs_method %s\n  protocol %s\n", v.Address, v.Port, method, strings.ToUpper(v.Protocol))
		for i := range v.Servers {
			fmt.Fprintf(&b, "  real_server %s.%d %d {\n    weight 1\n  }\n", subnet, host+i, v.Port)
		}
		b.WriteString("}\n")
	}
	return b.String()
}
