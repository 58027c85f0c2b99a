package agent

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"polso/api"
	"polso/config"
	"polso/director"
)

func TestSettingsFile(t *testing.T) {
	f := recordFile(Options{Name: "r1", Socket: filepath.Join(t.TempDir(), "r1.sock")})
	if got := f.Read(); len(got) != 0 {
		t.Errorf("before anything was written: %v", got)
	}
	want := map[string]director.Changed{
		"net/ipv4/ip_forward": {Found: "0", Set: "1"}, "net/ipv4/vs/sync_threshold": {Found: "3 50", Set: "1 50"}, "net/ipv4/conf/eth0.100/arp_ignore": {Found: "0", Set: "1"},
	}
	if err := f.Write(want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, f.Read()); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	// A torn line, one that leads elsewhere, one with too much.
	bad := slices.Concat(text, []byte("../../etc/passwd\t0\t1\nnet/ipv4/vs/a\t0\t1\t2\nnet/ipv4/con"))
	if err := os.WriteFile(f.path, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, f.Read()); diff != "" {
		t.Errorf("beside nonsense (-written +read):\n%s", diff)
	}
	if err := errors.Join(f.Write(nil), f.Write(nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(f.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing is recorded, and the file is there: %v", err)
	}
}

// TestSettingsExplained: of each its value, what it was, what wants it, what happens otherwise, and whether it can be written.
func TestSettingsExplained(t *testing.T) {
	nat := director.Setting{Value: "1", For: "virtual web: nat", Else: "nothing comes back"}
	arp := director.Setting{Value: "1", Instead: []string{"0"}, For: "vip 192.0.2.10", Else: "it answers for others"}
	list := sysctls(&director.Status{Settings: []director.SettingStatus{
		{Path: "net/ipv4/a", Setting: nat, Wanted: true, Now: "1"},
		{Path: "net/ipv4/b", Setting: nat, Wanted: true, Now: "1", Changed: true, Found: "0"},
		{Path: "net/ipv4/locked", Setting: nat, Wanted: true, Now: "0"},
		{Path: "net/ipv4/conf/eth0.1/arp_ignore", Setting: arp, Wanted: true, Now: "8"},
		{Path: "net/ipv4/vs/c", Setting: director.Setting{Value: "1", Instead: []string{"0"}, For: "every virtual"}, Wanted: true, Now: "2"},
		{Path: "net/ipv4/d", Setting: director.Setting{Value: "1"}, Now: "1", Changed: true, Found: "0"},
		{Path: "net/ipv4/e", Setting: director.Setting{Value: "1"}, Now: "1"},
		{Path: "net/ipv4/f", Setting: director.Setting{Value: "0", For: "cluster sysctls", Over: &nat}, Wanted: true, Now: "0", Changed: true, Found: "1"},
		{Path: "net/ipv4/g", Setting: director.Setting{Value: "2", For: "cluster sysctls", Over: &arp}, Wanted: true, Now: "2"},
		{Path: "net/ipv4/h", Setting: director.Setting{Kept: true, For: "cluster sysctls", Over: &nat}, Wanted: true, Now: "0"},
		{Path: "net/ipv4/i", Setting: director.Setting{Kept: true, For: "cluster sysctls", Over: &nat}, Wanted: true, Now: "1"},
	}})
	writable := func(name string) error {
		if name == "net.ipv4.locked" {
			return &fs.PathError{Op: "open", Path: "/proc/sys/net/ipv4/locked", Err: syscall.EROFS}
		}
		return nil
	}
	const mend = "take it out of cluster { sysctls } in the document, unless that is meant"
	want := []api.Finding{
		ok("net.ipv4.a", "1 for virtual web: nat; otherwise nothing comes back"),
		ok("net.ipv4.b", "1 (was 0) for virtual web: nat; otherwise nothing comes back"),
		fail("net.ipv4.locked", "is 0, wanted 1 for virtual web: nat; otherwise nothing comes back; it cannot be written here: read-only file system",
			"sysctl -w net.ipv4.locked=1 where it can be: outside the container; to do without, cluster { sysctls } in the document with the value keep"),
		warn("net.ipv4.conf.eth0/1.arp_ignore", "8, left as it is where 1 would do for vip 192.0.2.10; otherwise it answers for others; with this the router may not answer for its virtual addresses either",
			"sysctl -w net.ipv4.conf.eth0/1.arp_ignore=1"),
		ok("net.ipv4.vs.c", "2, left as it is where 1 would do for every virtual"),
		ok("net.ipv4.d", "1 (was 0): for a document of before, or by the kernel with another; polso release --all puts it back"),
		warn("net.ipv4.f", "0 (was 1) for cluster sysctls, but virtual web: nat wants 1: nothing comes back", mend),
		ok("net.ipv4.g", "2 for cluster sysctls"),
		warn("net.ipv4.h", "0, kept as it is for cluster sysctls, but virtual web: nat wants 1: nothing comes back", mend),
		ok("net.ipv4.i", "1, kept as it is for cluster sysctls"),
	}
	if diff := cmp.Diff(want, examineSettings(list, writable)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestServingExamined: a router that is a server needs the virtual address on lo.
func TestServingExamined(t *testing.T) {
	virtual := func(name, address string) config.Virtual {
		return config.Virtual{Name: name, Address: netip.MustParseAddr(address)}
	}
	doc := config.Document{Virtuals: []config.Virtual{virtual("both", "192.0.2.10"), virtual("bare", "2001:db8::10"), virtual("other", "192.0.2.11"), {Name: "marked", FWMark: 7}}}
	serves := func(v config.Virtual) bool { return v.Name != "other" }
	want := []api.Finding{
		ok("virtual both", "this router serves it too: directing, it hands itself its share; standing by, it keeps no table for it"),
		warn("virtual bare", "this router is one of its servers and has not 2001:db8::10 on lo: while another directs, what that sends here is lost",
			"ip address add 2001:db8::10/128 dev lo, and in the configuration that survives a boot"),
	}
	if diff := cmp.Diff(want, examineServing(doc, serves, []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.10")})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProcExamined(t *testing.T) {
	p := kernelWith(t, map[string]string{"net/ipv4/ip_forward": "0"})
	if got := examineProc(p); got[0].Level != "ok" {
		t.Errorf("writable: %+v", got)
	}
	if got := examineProc(procSys{t.TempDir()}); got[0].Level != "warn" || got[0].Detail != "cannot be written here: no such file or directory" {
		t.Errorf("nothing there: %+v", got)
	}
}
