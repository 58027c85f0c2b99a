// Package arch holds the house rules that a test can check: which package may import which, and who may touch the
// outside libraries that matter.
package arch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ours lists, for each package, which of our packages it may import. It is the table of docs/design.md, section 3; a new
// arrow is argued in the commit that edits it.
var ours = map[string][]string{
	"config":          {},
	"convert":         {"config"},
	"fsm":             {"config"},
	"consensus":       {"consensus/lease"},
	"consensus/lease": {},
	"consensus/trust": {},
	"consensus/wire":  {"consensus/trust"},
	"consensus/store": {},
	"ipvs":            {},
	"ipvs/ipvstest":   {"ipvs"},
	"vip":             {},
	"vip/viptest":     {"vip"},
	"program":         {},
	"health":          {"config", "program"}, // both run what an operator wrote, and must not differ in how
	"detour":          {},                    // not in vip, which holds, nor in ipvs, which balances: it does neither, and both must not wait for it
	"director":        {"config", "health", "ipvs", "vip"},
	"steward":         {"config", "fsm"},
	"notify":          {"config", "program"},
	"events":          {},
	"realserver":      {},                                                 // it runs where no router runs, and knows neither document nor cluster
	"api":             {"config", "convert", "events", "fsm", "director"}, // convert for import and export under /v1
	"agent": {"api", "config", "consensus", "consensus/lease", "consensus/store", "consensus/trust", "consensus/wire",
		"detour", "director", "events", "figures", "fsm", "health", "ipvs", "metrics", "notify", "steward", "vip", "web"},
	"figures":     {},
	"metrics":     {"api"},
	"web":         {"api", "config", "convert", "figures", "fsm"}, // fsm for the roles; config for the forms, which make a document's text; convert for the names of what it can read and write
	"web/browser": {},                                             // tests alone: they look at the web interface from lab's client, and know none of its code
	"bundle":      {},
	"cmd/polso":   {"agent", "api", "bundle", "config", "convert", "events", "figures", "metrics", "realserver", "top"},
	"top":         {"api", "figures"},
	"lab":         {}, "lab/boot": {"lab/boot/spec", "lab/splice"}, "lab/boot/init": {"lab/boot/spec"}, "lab/boot/spec": {}, "lab/demo": {"lab"}, "lab/bench": {"lab"}, "lab/checks": {"lab"}, "lab/faults": {"lab"},
	"lab/splice":  {},
	"lab/stage":   {"lab", "lab/splice"},
	"lab/scale":   {"lab", "ipvs"}, // it measures ipvs.Kernel alone
	"tools/labvm": {"lab/boot"},
	"tools/arch":  {},
	"tools/apart": {}, // for tests alone
	"tools/sbom":  {},
	"tools/site":  {"metrics"}, // of the code it shows what only the code knows; commands and document come from what `polso man` writes
	"tools/model": {},          // it says what consensus/lease does in its own words: sharing its code would share its mistakes

	"tools/pictures": {"consensus"}, // the times of the profiles
}

// outside lists who may import what matters outside: the key is a path prefix.
var outside = map[string][]string{
	"github.com/hashicorp/hcl/v2":         {"config"},
	"github.com/zclconf/go-cty":           {"config"},
	"github.com/hashicorp/raft":           {"fsm", "consensus", "consensus/lease", "consensus/store", "consensus/wire", "agent"},
	"github.com/hashicorp/raft-boltdb/v2": {"consensus/store"},
	"go.etcd.io/bbolt":                    {"consensus/store"},
	"github.com/moby/ipvs":                {"ipvs"},
	"github.com/mdlayher/genetlink":       {"ipvs"},
	"github.com/mdlayher/netlink":         {"ipvs", "vip", "detour"},
	"github.com/mdlayher/socket":          {"ipvs"},
	"github.com/mdlayher/arp":             {"vip", "lab"},
	"github.com/mdlayher/ndp":             {"vip", "lab"},
	"github.com/mdlayher/packet":          {"vip", "lab"},
	"github.com/mdlayher/ethernet":        {"vip", "lab"},
	"github.com/vishvananda/netlink":      {"ipvs", "vip", "detour", "realserver", "lab", "tools/apart"}, // realserver: links, tunnels and addresses of a machine without a router, none of which vip's edge has
	"github.com/google/nftables":          {"ipvs", "vip", "detour"},
	"github.com/spf13/cobra":              {"cmd/polso"},
	"github.com/gdamore/tcell":            {"top"},
	"github.com/creack/pty":               {}, // tests alone
	"github.com/hinshun/vt10x":            {},
	"github.com/danielgtaylor/huma/v2":    {"api"},
	"github.com/coreos/go-systemd/v22":    {"agent"},
	"github.com/prometheus/client_golang": {"metrics", "agent", "cmd/polso"}, // both hand on what is registered
	"github.com/hashicorp/go-metrics":     {"metrics"},
	"github.com/anishathalye/porcupine":   {"lab/faults"},
	"github.com/yuin/goldmark":            {"tools/site"},
	"github.com/rogpeppe/go-internal":     {},
	"github.com/chromedp":                 {}, // tests alone
	"pgregory.net/rapid":                  {},
	"github.com/google/go-cmp":            {"ipvs/ipvstest", "vip/viptest"},
	"github.com/hashicorp/go-hclog":       {"consensus", "consensus/store", "consensus/wire"},
	"github.com/sirupsen/logrus":          {"ipvs"},
	"github.com/vishvananda/netns":        {"ipvs", "ipvs/ipvstest", "vip", "vip/viptest", "lab", "tools/apart"},
	"golang.org/x/crypto":                 {"api"},
	"golang.org/x/term":                   {"cmd/polso", "agent"},
}

type pkg struct {
	ImportPath, Dir string
	Imports         []string
	GoFiles         []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles", "polso/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestArrows(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, "polso/")
		allowed, known := ours[name]
		if !known {
			t.Errorf("package %s is not in the table: say in docs/design.md what it is for and add it here", name)
			continue
		}
		for _, imp := range p.Imports {
			if dep, ok := strings.CutPrefix(imp, "polso/"); ok && !slices.Contains(allowed, dep) {
				t.Errorf("%s imports %s: that arrow is not in the table", name, dep)
			}
			for prefix, who := range outside {
				if (imp == prefix || strings.HasPrefix(imp, prefix+"/")) && !slices.Contains(who, name) {
					t.Errorf("%s imports %s, which only %v may", name, imp, who)
				}
			}
		}
	}
}

func TestOnePackageComment(t *testing.T) {
	for _, p := range packages(t) {
		var with []string
		for _, f := range p.GoFiles {
			tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, f), nil, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Fatal(err)
			}
			if tree.Doc != nil && strings.TrimSpace(tree.Doc.Text()) != "" {
				with = append(with, f)
			}
		}
		if len(p.GoFiles) > 0 && len(with) != 1 {
			t.Errorf("%s has its package comment in %v, want exactly one file", p.ImportPath, with)
		}
	}
}

// A file over 500 lines usually holds two topics; one that does not says so in its first comment.
func TestFileLength(t *testing.T) {
	for _, p := range packages(t) {
		for _, f := range p.GoFiles {
			path := filepath.Join(p.Dir, f)
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			lines, first := 0, ""
			for s := bufio.NewScanner(file); s.Scan(); lines++ {
				if first == "" && strings.HasPrefix(s.Text(), "//") {
					first = s.Text()
				}
			}
			file.Close()
			if lines > 500 && !strings.Contains(first, "long because") {
				t.Errorf("%s/%s has %d lines and its first comment does not say why (\"long because ...\")", p.ImportPath, f, lines)
			}
		}
	}
}

func TestModuleHasNoReplace(t *testing.T) {
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct{ Replace, Exclude []any }
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Replace)+len(mod.Exclude) > 0 {
		t.Error("go.mod has replace or exclude lines: `go install polso/cmd/polso@version` would refuse them")
	}
}
