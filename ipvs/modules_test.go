package ipvs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Which schedulers there are is read from the lists of the kernel's modules; where these say nothing of IPVS nothing is known.
func TestListedSchedulers(t *testing.T) {
	const (
		ipvs    = "kernel/net/netfilter/ipvs/ip_vs.ko.xz: kernel/net/netfilter/nf_conntrack.ko.xz kernel/lib/libcrc32c.ko.xz\n"
		mh      = "kernel/net/netfilter/ipvs/ip_vs_mh.ko.xz: kernel/net/netfilter/ipvs/ip_vs.ko.xz\n"
		plain   = "kernel/net/netfilter/ipvs/ip_vs_wrr.ko:\n"
		builtIn = "kernel/fs/ext4/ext4.ko\nkernel/net/netfilter/ipvs/ip_vs_wlc.ko\n"
		loaded  = "ip_vs_twos 16384 0 - Live 0x0000000000000000\nip_vs 200704 3 ip_vs_twos, Live 0x0000000000000000\n"
		none    = "-" // the file is not there
	)
	for _, tt := range []struct {
		name, dep, builtin, loaded string
		ask                        []string
		want                       string
	}{
		{"all ways", ipvs + mh + plain, builtIn, loaded, nil, "wrr wlc mh twos"},
		{"asked for some", ipvs + mh + plain, builtIn, loaded, []string{"mh", "fo"}, "mh"},
		{"a kernel of one piece", "", "kernel/net/netfilter/ipvs/ip_vs.ko\n" + builtIn, none, nil, "wlc"},
		{"a module that another one needs is not it", ipvs + "kernel/x.ko: kernel/net/netfilter/ipvs/ip_vs_sh.ko\n", "", "", nil, ""},
		{"no list of modules", none, builtIn, loaded, nil, "error"},
		{"no list of what is built in", ipvs + mh, none, loaded, nil, "error"},
		{"another machine's lists", "kernel/x.ko:\n", "", "", nil, "error"},
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{"modules.dep": tt.dep, "modules.builtin": tt.builtin, "loaded": tt.loaded} {
			if text == none {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := listed(dir, filepath.Join(dir, "loaded"), tt.ask)
		if tt.want == "error" {
			if err == nil || (tt.dep == none || tt.builtin == none) != errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v, %v; want an error", tt.name, got, err)
			}
			continue
		}
		if strings.Join(got, " ") != tt.want || err != nil {
			t.Errorf("%s: %v, %v; want %s", tt.name, got, err, tt.want)
		}
	}
}
