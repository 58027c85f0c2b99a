package director

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"polso/vip"
)

// Changed is a setting that was changed: what it was before, and what it was set to last.
type Changed struct{ Found, Set string }

// Record keeps what was changed beyond the process's life, so that PutBack can undo it. Both methods end within a bounded time.
type Record interface {
	// Read returns what is recorded by path: nothing if there is nothing that can be read.
	Read() map[string]Changed
	// Write replaces what is recorded, in one step. It is called before the settings are changed.
	Write(map[string]Changed) error
}

// SettingStatus is a kernel setting that is wanted, or was changed for something that is not wanted any more, as the last pass
// saw it.
type SettingStatus struct {
	Path    string
	Setting        // Value alone where it is not wanted any more: what it was set to
	Wanted  bool   // by the document that runs
	Now     string // what the kernel goes by; "" if it could not be read
	Found   string // as it was before it was changed
	Changed bool   // by this process or one before it
}

// Name is the setting's as sysctl(8) has it: net.ipv4.ip_forward. A dot of a link's name is a slash there.
func (s SettingStatus) Name() string { return SysctlName(s.Path) }

// SysctlName is a path below /proc/sys as sysctl(8) writes it.
func SysctlName(path string) string { return strings.NewReplacer("/", ".", ".", "/").Replace(path) }

// SysctlPath is the path below /proc/sys of a setting as sysctl(8) writes it.
func SysctlPath(name string) string { return SysctlName(name) } // the one is the other with dots and slashes exchanged

// read returns a setting's value, its parts one space apart.
func read(sys ProcSys, path string) (string, error) {
	value, err := sys.Read(path)
	return strings.Join(strings.Fields(value), " "), err
}

// has tells whether a setting reads so.
func (p *pass) has(path, value string) bool {
	have, err := read(p.o.Sysctls, path)
	return err == nil && have == value
}

// strictest are the settings of links for which the kernel goes by the higher one of the link's and that of all.
var strictest = []string{"/rp_filter", "/arp_ignore", "/arp_announce"}

// reads returns what a setting is, and what the kernel goes by.
func (p *pass) reads(path string) (have, force string, err error) {
	have, err = read(p.o.Sysctls, path)
	i := slices.IndexFunc(strictest, func(name string) bool { return strings.HasSuffix(path, name) })
	if err != nil || i < 0 || !strings.HasPrefix(path, "net/ipv4/conf/") {
		return have, have, err
	}
	all, err := read(p.o.Sysctls, "net/ipv4/conf/all"+strictest[i])
	if force = have; len(have) == 1 && len(all) == 1 {
		force = max(have, all)
	}
	return have, force, err
}

// attentive adds to the settings what lets the links keep their default routes when this router begins to forward IPv6: the
// kernel then forgets what router advertisements told it, and hears no more of them, on links whose accept_ra is 1; 2 means
// also while forwarding. Where it forwards already, 1 is as deaf as the operator has had it, and 0 is the operator's word.
func (p *pass) attentive(want Sysctls, links vip.Links) Sysctls {
	if want[forwarding6].Value != "1" || !p.has(forwarding6, "0") {
		return want
	}
	want = maps.Clone(want)
	for _, link := range links {
		if path := onLink("net/ipv6", link.Name, "accept_ra"); p.has(path, "1") {
			want.want(path, Setting{Value: "2", For: want[forwarding6].For, Else: "the router forgets the default route that it was advertised"})
		}
	}
	return want
}

// set writes the settings that differ, once what they were is recorded. One that cannot be written hinders no other step.
func (p *pass) set(want Sysctls, links vip.Links) {
	p.recall()
	var due []string
	if p.now == nil {
		p.now = make(map[string]string)
	}
	found := make(map[string]string)
	changed := maps.Clone(p.memory.changed)
	for _, path := range inOrder(want) {
		w := want[path]
		if w.Kept {
			continue
		}
		have, force, err := p.reads(path)
		if err != nil {
			p.fail("sysctl -n "+path, err)
			continue
		}
		p.now[path] = force
		if have == w.Value || force == w.Value || w.Instead != nil && !slices.Contains(w.Instead, force) {
			p.memory.sysctls[path] = w.Value
			continue
		}
		due, found[path] = append(due, path), have
		for path, c := range p.withIt(path, have, w.Value, links) {
			if was, again := changed[path]; !again || was.Set != c.Found {
				changed[path] = c
			} else {
				changed[path] = Changed{was.Found, c.Set}
			}
		}
	}
	p.record(changed)
	for _, path := range due {
		value := want[path].Value
		if err := p.o.Sysctls.Write(path, value); err != nil {
			p.fail("sysctl -w "+path+"="+value, err)
			continue
		}
		if p.memory.sysctls[path] == value {
			p.drift++ // it was so, and somebody changed it
		}
		p.memory.sysctls[path], p.now[path] = value, value
		p.log.Info("kernel setting changed", "sysctl", path, "from", found[path], "to", value, "for", want[path].For)
	}
}

// withIt is a change with all that the kernel changes by itself with it, as far as that has to be put back.
func (p *pass) withIt(path, found, value string, links vip.Links) map[string]Changed {
	out := make(map[string]Changed)
	if found != "" { // a kernel in memory knows no setting until it is set
		out[path] = Changed{found, value}
	}
	family := ""
	switch {
	case path == forwarding4 && value == "1":
		family = "net/ipv4"
		// Who forwards does not follow redirects: the kernel turns that off, and on when it forwards no more.
		const redirects = "net/ipv4/conf/all/accept_redirects"
		if have, err := read(p.o.Sysctls, redirects); err == nil && have != "" {
			out[redirects] = Changed{have, "0"}
		}
	case path == forwarding6 && value == "1":
		family = "net/ipv6"
	default:
		return out
	}
	for _, link := range links { // one that forwarded alone has to do so again
		if own := onLink(family, link.Name, "forwarding"); p.has(own, "1") {
			out[own] = Changed{"1", "1"}
		}
	}
	return out
}

// recall reads, once, what processes before this one have changed.
func (p *pass) recall() {
	if p.memory.changed == nil {
		p.memory.changed = make(map[string]Changed)
		if p.o.Record != nil {
			maps.Copy(p.memory.changed, p.o.Record.Read())
		}
	}
}

// record keeps what has been changed and is about to be. That it cannot be kept is no reason to leave a setting as it is, which
// clients depend on: it is tried again at every pass, and said until then.
func (p *pass) record(changed map[string]Changed) {
	if p.o.Record != nil && (p.memory.unrecorded || !maps.Equal(changed, p.memory.changed)) {
		err := p.o.Record.Write(changed)
		if p.memory.unrecorded = err != nil; err != nil {
			p.fail("record of kernel settings", err)
		}
	}
	p.memory.changed = changed
}

// settings are those that are wanted or were changed.
func (p *pass) settings(want Sysctls) []SettingStatus {
	p.recall()
	all := make(map[string]bool)
	for path := range want {
		all[path] = true
	}
	for path := range p.memory.changed {
		all[path] = true
	}
	var out []SettingStatus
	for _, path := range inOrder(all) {
		w, wanted := want[path]
		c, changed := p.memory.changed[path]
		now, known := p.now[path]
		if !known {
			_, now, _ = p.reads(path) // what is wanted and cannot be read is among the failures
		}
		if !wanted {
			w.Value = c.Set
		}
		out = append(out, SettingStatus{Path: path, Setting: w, Wanted: wanted, Now: now, Found: c.Found, Changed: changed && c.Found != c.Set})
	}
	return out
}

// inOrder puts the settings in the order in which to write them: accept_ra before forwarding, which forgets routes by it, and
// forwarding before the others, some of which the kernel resets with it.
func inOrder[V any](s map[string]V) []string {
	rank := func(path string) int {
		switch {
		case strings.HasSuffix(path, "/accept_ra"):
			return 0
		case path == forwarding4, path == forwarding6:
			return 1
		}
		return 2
	}
	return slices.SortedFunc(maps.Keys(s), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
	})
}

// PutBack gives every setting that was changed the value that it had before, unless somebody has changed it since, and says what
// it did in words. A setting that is gone, as that of a link that is gone, is passed over.
func PutBack(sys ProcSys, changed map[string]Changed) (done []string, err error) {
	// All are read before one is written, for the kernel changes some with others.
	now := make(map[string]string)
	for path := range changed {
		have, e := read(sys, path)
		if errors.Is(e, fs.ErrNotExist) {
			continue
		}
		err = errors.Join(err, e)
		if e == nil {
			now[path] = have
		}
	}
	order := inOrder(now)
	// What advertisements need is theirs again once this router forwards no more.
	slices.SortStableFunc(order, func(a, b string) int {
		last := func(path string) int { return strings.Count(path, "/accept_ra") }
		return cmp.Compare(last(a), last(b))
	})
	for _, path := range order {
		c := changed[path]
		if now[path] != c.Set {
			if now[path] != c.Found {
				done = append(done, fmt.Sprintf("Left %s at %s: somebody has changed it since.", SysctlName(path), now[path]))
			}
			continue
		}
		if have, e := read(sys, path); e == nil && have == c.Found {
			continue // with another, or it had not been set yet
		}
		if e := sys.Write(path, c.Found); e != nil {
			err = errors.Join(err, e)
			continue
		}
		done = append(done, fmt.Sprintf("Put %s back to %s.", SysctlName(path), c.Found))
	}
	return done, err
}
