package director

import (
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"polso/config"
)

func TestSettings(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		doc := document(with(web("a"), by(config.NAT)))
		w.know(2, doc)
		w.expect("nat", `
 0.000 sysctl -w net/ipv4/ip_forward=1
 0.000 sysctl -w net/ipv4/conf/all/send_redirects=0
 0.000 sysctl -w net/ipv4/conf/eth0/send_redirects=0
 0.000 sysctl -w net/ipv4/conf/eth1/send_redirects=0
 0.000 ipvsadm -A -t 192.0.2.10:80 -s wlc
`)
		w.wait(20 * time.Second)
		w.expect("quiet", ``)
		w.sys.put("net/ipv4/ip_forward", "0")
		w.ring()
		w.expect("foreign change", `
 0.000 sysctl -w net/ipv4/ip_forward=1
`)
		w.check("foreign change", "converged rev 2 drift 1")
		before := make(map[string]string)
		for _, s := range w.d.Status().Settings {
			if s.Changed {
				before[s.Name()] = s.Found + " -> " + s.Now
			}
		}
		want := map[string]string{
			"net.ipv4.ip_forward": "0 -> 1", "net.ipv4.conf.all.send_redirects": "1 -> 0", "net.ipv4.conf.eth0.send_redirects": "1 -> 0",
			"net.ipv4.conf.eth1.send_redirects": "1 -> 0", "net.ipv4.conf.all.accept_redirects": "1 -> 1", // this kernel changes nothing by itself
		}
		if !maps.Equal(before, want) {
			t.Errorf("settings as found: %v, want %v", before, want)
		}
		w.sys.put("net/ipv4/ip_forward", "0")
		w.sys.locked = true
		w.ring()
		w.check("not ours to write", "rev 2 drift 1 failing 1 (sysctl -w net/ipv4/ip_forward=1: open /proc/sys/net/ipv4/ip_forward: permission denied)")
	})
}

// TestKeptIsLookedAtOnly: a setting that the document keeps is neither written nor recorded nor missing.
func TestKeptIsLookedAtOnly(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		const path = "net/ipv4/ip_forward"
		w.start()
		w.sys.put(path, "0")
		w.know(2, given(document(with(web("a"), by(config.NAT))), map[string]string{"net.ipv4.ip_forward": config.Keep}))
		w.wait(20 * time.Second)
		if value, _ := w.sys.Read(path); strings.TrimSpace(value) != "0" {
			t.Errorf("it is %s", value)
		}
		w.check("kept", "converged rev 2")
		for _, s := range w.d.Status().Settings {
			if s.Path == path && (!s.Kept || s.Changed || s.Now != "0" || !s.Against()) {
				t.Errorf("its status: %+v", s)
			}
			if s.Path == "net/ipv4/conf/all/accept_redirects" {
				t.Errorf("recorded with it: %+v", s)
			}
		}
	})
}

// TestTimeoutsGoWithTheDocument: a router that had others is then as one that has just booted.
func TestTimeoutsGoWithTheDocument(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		doc := document(web())
		doc.Cluster.Timeouts = config.Timeouts{TCP: time.Hour, UDP: time.Minute}
		w.know(2, doc)
		w.expect("given", `
 0.000 ipvsadm --set 3600 0 60
 0.000 ipvsadm -A -t 192.0.2.10:80 -s wlc
`)
		w.know(3, document(web()))
		w.expect("not given any more", `
 0.000 ipvsadm --set 900 0 300
`)
		w.check("not given any more", "converged rev 3")
		w.wait(time.Minute)
		w.expect("quiet", ``)
	})
}

// TestForwardingKeepsRouterAdvertisements: where this router begins to forward IPv6, and there only.
func TestForwardingKeepsRouterAdvertisements(t *testing.T) {
	doc := document(with(web(), func(v *config.Virtual) {
		v.Address, v.Family = netip.MustParseAddr("2001:db8::10"), config.IPv6
		v.Servers = []config.Server{{Name: "a", Address: netip.MustParseAddrPort("[2001:db8:1::1]:80"), Forward: config.NAT}}
	}))
	const forwarding, eth0, eth1 = "net/ipv6/conf/all/forwarding", "net/ipv6/conf/eth0/accept_ra", "net/ipv6/conf/eth1/accept_ra"
	for _, tt := range []struct {
		name                    string
		forwards, hears, hears1 string
		want                    string
	}{
		{"one link hears them", "0", "1", "0", `
 0.000 sysctl -w net/ipv6/conf/eth0/accept_ra=2
 0.000 sysctl -w net/ipv6/conf/all/forwarding=1
 0.000 ipvsadm -A -t [2001:db8::10]:80 -s wlc
`},
		{"both do, one for ever", "0", "1", "2", `
 0.000 sysctl -w net/ipv6/conf/eth0/accept_ra=2
 0.000 sysctl -w net/ipv6/conf/all/forwarding=1
 0.000 ipvsadm -A -t [2001:db8::10]:80 -s wlc
`},
		{"it has been a router", "1", "1", "1", `
 0.000 ipvsadm -A -t [2001:db8::10]:80 -s wlc
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			scenario(t, func(t *testing.T, w *world) {
				w.sys.put(forwarding, tt.forwards)
				w.sys.put(eth0, tt.hears)
				w.sys.put(eth1, tt.hears1)
				w.start()
				w.know(2, doc)
				w.expect("known", tt.want)
				w.wait(20 * time.Second)
				w.expect("quiet", ``)
				w.check("quiet", "converged rev 2")
			})
		})
	}
}
