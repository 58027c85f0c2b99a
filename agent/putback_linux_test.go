package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"polso/config"
	"polso/consensus/store"
	"polso/director"
	"polso/health"
	"polso/ipvs"
	"polso/tools/apart"
	"polso/vip"
)

// TestReleasePutsSettingsBack on this machine's kernel, in a network namespace of its own: what a director has changed for all
// kinds of virtuals is as it was, also what the kernel itself changes when it forwards.
func TestReleasePutsSettingsBack(t *testing.T) {
	apart.Run(t, func(t *testing.T) {
		if err := putBackThere(t.TempDir()); err != nil {
			t.Error(err)
		}
	})
}

// still is what a director needs beside settings, where nothing else is to happen.
type still struct{ pass func() }

func (still) Links() (vip.Links, error) {
	return vip.Links{
		{Name: "eth0", Index: 2, Up: true, Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/64")}},
		{Name: "eth1", Index: 3, Up: true, Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}},
	}, nil
}
func (still) LetGo([]vip.Held) error { return nil }
func (still) Hold([]vip.Held) error  { return nil }
func (still) Report() []vip.Report   { return nil }
func (still) Set([]health.Target)    {}
func (s still) View() health.View    { s.pass(); return nil }

// readAll reads the settings that matter.
func readAll(p procSys) (map[string]string, error) {
	out := make(map[string]string)
	var errs []error
	for _, pattern := range []string{"ipv4/ip_forward", "ipv4/conf/*/forwarding", "ipv4/conf/*/*_redirects", "ipv4/conf/*/rp_filter", "ipv4/conf/*/arp_ignore",
		"ipv4/conf/*/arp_announce", "ipv6/conf/*/forwarding", "ipv6/conf/*/accept_ra"} {
		files, err := filepath.Glob(filepath.Join(p.root, "net", pattern))
		errs = append(errs, err)
		for _, f := range files {
			path := strings.TrimPrefix(f, p.root+"/")
			value, err := p.Read(path)
			out[path] = value
			errs = append(errs, err)
		}
	}
	return out, errors.Join(errs...)
}

func putBackThere(dir string) error {
	for _, words := range []string{"link add eth0 type veth peer name far0", "link add eth1 type veth peer name far1", "link set eth0 up", "link set eth1 up"} {
		if out, err := exec.Command("ip", strings.Fields(words)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", words, err, out)
		}
	}
	kernel := procSys{"/proc/sys"}
	// A hardened router, of which one link forwards already.
	for _, path := range []string{"net/ipv4/conf/all/accept_redirects", "net/ipv4/conf/all/arp_ignore"} {
		if err := kernel.Write(path, "0"); err != nil {
			return err
		}
	}
	for _, path := range []string{"net/ipv4/conf/eth0/rp_filter", "net/ipv4/conf/eth1/forwarding", "net/ipv6/conf/eth1/forwarding"} {
		if err := kernel.Write(path, "1"); err != nil {
			return err
		}
	}
	before, err := readAll(kernel)
	if err != nil {
		return err
	}

	server := func(address string, by config.Forward) []config.Server {
		return []config.Server{{Name: "a", Address: netip.MustParseAddrPort(address), Forward: by, Weight: 1}}
	}
	virtual := func(name, address string, family config.Family, servers []config.Server) config.Virtual {
		return config.Virtual{Name: name, Address: netip.MustParseAddr(address), Ports: []uint16{80}, Protocol: config.TCP, Family: family, Scheduler: "wlc", Servers: servers}
	}
	doc := config.Document{Cluster: config.Cluster{Standby: config.Warm}, Virtuals: []config.Virtual{
		virtual("dr", "192.0.2.10", config.IPv4, server("192.0.2.21:80", config.DR)),
		virtual("nat", "192.0.2.11", config.IPv4, server("10.0.0.21:80", config.NAT)),
		virtual("nat6", "2001:db8::10", config.IPv6, server("[2001:db8:1::21]:80", config.NAT)),
	}}
	o := Options{Name: "r1", Socket: filepath.Join(dir, "r1.sock")}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	d := director.New(director.Options{
		IPVS: new(ipvs.Fake), VIP: still{}, Health: still{pass: cancel}, Record: recordFile(o), Sysctls: withoutIPVS{kernel, memSys{map[string]string{}}},
		Mandate: func() director.Mandate { return director.Mandate{} },
		State:   func() director.State { return director.State{Known: true, Revision: 2, Document: doc} },
	})
	if err := d.Run(ctx); err != nil {
		return err
	}
	changed, err := readAll(kernel)
	if err != nil {
		return err
	}
	for path, want := range map[string]string{
		"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1", "net/ipv4/conf/eth0/rp_filter": "2", "net/ipv4/conf/eth0/arp_ignore": "1",
		"net/ipv4/conf/eth0/arp_announce": "2", "net/ipv4/conf/all/send_redirects": "0", "net/ipv4/conf/eth1/send_redirects": "0", "net/ipv6/conf/eth0/accept_ra": "2",
	} {
		if changed[path] != want {
			return fmt.Errorf("%s was not set: %q, want %q", path, changed[path], want)
		}
	}

	home, err := store.OpenHome(filepath.Join(dir, "data"), o.Name)
	if err != nil {
		return err
	}
	home.Close()
	done, err := Release(context.Background(), Remains{DataDir: filepath.Join(dir, "data"), Socket: o.Socket}, Everything)
	if err != nil {
		return err
	}
	after, err := readAll(kernel)
	if err != nil {
		return err
	}
	if !maps.Equal(before, after) {
		for path := range before {
			if before[path] != after[path] {
				err = errors.Join(err, fmt.Errorf("%s is %s, was %s", path, after[path], before[path]))
			}
		}
		return fmt.Errorf("%w\nafter:\n%s", err, strings.Join(done, "\n"))
	}
	if left := recordFile(o).Read(); len(left) > 0 {
		return fmt.Errorf("still recorded: %v", left)
	}
	return nil
}
