package agent

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"polso/api"
	"polso/vip"
)

// kernelWith is a /proc/sys that holds these settings.
func kernelWith(t *testing.T, settings map[string]string) procSys {
	t.Helper()
	p := procSys{t.TempDir()}
	for path, value := range settings {
		full := filepath.Join(p.root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(value+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func TestExamineSysctls(t *testing.T) {
	p := kernelWith(t, map[string]string{"net/ipv4/conf/all/proxy_arp": "1", "net/ipv4/conf/all/drop_gratuitous_arp": "0"})
	want := []api.Finding{
		{Name: "net.ipv4.conf.all.proxy_arp", Level: "warn", Detail: "is 1: this router would answer ARP for addresses that another one holds", Fix: "sysctl -w net.ipv4.conf.all.proxy_arp=0"},
		{Name: "net.ipv4.conf.all.drop_gratuitous_arp", Level: "ok", Detail: "0"},
	}
	if diff := cmp.Diff(want, examineSysctls(p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestExamineInterfaces(t *testing.T) {
	links := func() (vip.Links, error) {
		return vip.Links{{Name: "eth0", Up: true}, {Name: "eth1"}}, nil
	}
	want := []api.Finding{
		{Name: "interface dmz", Level: "fail", Detail: "there is no device eth9", Fix: "`ip -brief link` shows those that are; start the agent with --interface dmz=DEVICE"},
		{Name: "interface inside", Level: "fail", Detail: "eth1 is down", Fix: "ip link set eth1 up"},
		{Name: "interface outside", Level: "ok", Detail: "eth0"},
	}
	if diff := cmp.Diff(want, examineInterfaces(links, map[string]string{"outside": "eth0", "inside": "eth1", "dmz": "eth9"})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	broken := func() (vip.Links, error) { return nil, errors.New("netlink: operation not permitted") }
	if got := examineInterfaces(broken, nil); len(got) != 1 || got[0].Level != "fail" {
		t.Errorf("without an answer: %+v, want a failure", got)
	}
}

func TestSysctlFiles(t *testing.T) {
	p := kernelWith(t, map[string]string{"net/ipv4/ip_forward": "0", "net/ipv4/vs/conntrack": "0"})
	if err := p.Write("net/ipv4/ip_forward", "1"); err != nil {
		t.Fatal(err)
	}
	if got, err := p.Read("net/ipv4/ip_forward"); got != "1" || err != nil {
		t.Errorf("read %q, %v; want what was written", got, err)
	}
	if _, err := p.Read("net/ipv4/nothing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a setting that is not there: %v", err)
	}
	if err := p.Write("net/ipv4/nothing/at", "1"); err == nil || err.Error()[:len("sysctl net.ipv4.nothing.at = 1: ")] != "sysctl net.ipv4.nothing.at = 1: " {
		t.Errorf("writing where nothing is: %v, want the setting named", err)
	}

	w := withoutIPVS{p, memSys{map[string]string{}}}
	if err := errors.Join(w.Write("net/ipv4/vs/conntrack", "1"), w.Write("net/ipv4/ip_forward", "0")); err != nil {
		t.Fatal(err)
	}
	simulated, err1 := w.Read("net/ipv4/vs/conntrack")
	real, err2 := p.Read("net/ipv4/vs/conntrack")
	passed, err3 := p.Read("net/ipv4/ip_forward")
	if err := errors.Join(err1, err2, err3); err != nil || simulated != "1" || real != "0" || passed != "0" {
		t.Errorf("simulated %q, real %q, passed on %q, %v; want 1, 0, 0", simulated, real, passed, err)
	}
}

func TestAdvertised(t *testing.T) {
	for _, test := range []struct {
		in   string
		want string // "": refused
	}{
		{"10.9.0.11", "10.9.0.11:5390"}, {"10.9.0.11:7000", "10.9.0.11:7000"},
		{"2001:db8::11", "[2001:db8::11]:5390"}, {"[2001:db8::11]:7000", "[2001:db8::11]:7000"},
		{"", ""}, {"0.0.0.0", ""}, {"[::]:5390", ""}, {"224.0.0.18", ""}, {"10.9.0.11:0", ""}, {"router.example", ""}, {"10.9.0.11:70000", ""}, {"10.9.0", ""},
	} {
		got, err := advertised([]string{test.in})
		switch {
		case test.want == "" && err == nil:
			t.Errorf("%q gave %v, want it refused", test.in, got)
		case test.want != "" && (err != nil || got[0] != test.want):
			t.Errorf("%q gave %v, %v; want %s", test.in, got, err, test.want)
		}
	}
	if _, err := advertised(nil); err == nil {
		t.Error("nothing to advertise was accepted")
	}
}
