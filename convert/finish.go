package convert

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"polso/config"
)

// finish returns what was built, without what the document's rules or this release refuse: each such thing is a note.
func (b *builder) finish() (Result, error) {
	for {
		d := b.document()
		invalid, later := problems(d.Validate()), problems(d.Unsupported())
		if len(invalid)+len(later) == 0 {
			b.switchOff(d)
			inOrder(b.notes, b.files)
			return Result{Document: config.Complete(b.document()), Notes: b.notes, format: b.format, files: b.files, asides: b.asides()}, nil
		}
		mended := false
		for _, p := range invalid {
			mended = b.mend(p.Path, p.What+", so ", " is left out") || mended
		}
		if mended {
			continue // what is left is judged anew: much of it may only have followed from that
		}
		for _, p := range later {
			mended = b.mend(p.Path, "not supported yet: ", "") || mended
		}
		if !mended { // a rule that mend does not know: no document is better than a wrong one
			return Result{}, &Error{File: b.files[0], What: append(invalid, later...)[0].String()}
		}
	}
}

func problems(err error) config.Errors {
	list, _ := errors.AsType[config.Errors](err) // what the rules answer is nothing else
	return list
}

// document is what is left of what was built, complete, in the order of the file: of two that exclude each other the rules blame
// the later one, as the software does that the file was for.
func (b *builder) document() config.Document {
	d := config.Complete(config.Document{Cluster: b.cluster})
	for _, v := range b.vips {
		if !v.gone {
			d.VIPs = append(d.VIPs, v.VIP)
		}
	}
	for _, v := range b.virtuals {
		if !v.gone && !v.inactive {
			w := v.whole()
			w.Complete()
			d.Virtuals = append(d.Virtuals, w)
		}
	}
	d.Notifies, d.RouterChecks = b.wholeNotifies(), b.wholeRouterChecks()
	return d
}

// whole is the virtual with its servers.
func (v *virtual) whole() config.Virtual {
	w := v.Clone()
	for _, s := range v.servers {
		if s.gone {
			continue
		}
		x := s.Server
		if cmp.Or(x.Forward, w.Forward) == config.DR && x.Address.Addr().IsLoopback() {
			x.Forward = config.Local // what the kernel makes of it
		}
		w.Servers = append(w.Servers, x)
	}
	return w
}

// switchOff has the inactive virtuals stand in the document d, which serves nothing of them. Those that it cannot have beside the others
// stay inactive, with a note. They are judged behind the others: the rules blame the later one.
func (b *builder) switchOff(d config.Document) {
	var off []*virtual
	for _, v := range b.virtuals {
		if v.inactive && !v.gone {
			off = append(off, v)
		}
	}
	for {
		with := d
		with.Virtuals = slices.Clone(d.Virtuals)
		for _, v := range off {
			w := v.whole()
			w.Complete()
			with.Virtuals = append(with.Virtuals, w)
		}
		wrong := slices.Concat(problems(with.Validate()), problems(with.Unsupported()))
		if len(wrong) == 0 {
			break
		}
		stay := slices.DeleteFunc(slices.Clone(off), func(v *virtual) bool { return b.refusedOff(v, wrong) })
		if len(stay) == len(off) && !slices.ContainsFunc(off, func(v *virtual) bool { return v.leaveLink(wrong) }) {
			stay = nil
		}
		off = stay
	}
	for _, v := range off {
		v.Inactive, v.inactive = true, false
	}
}

// refusedOff reports whether the document cannot have an inactive virtual for what is wrong, and notes so.
func (b *builder) refusedOff(v *virtual, wrong config.Errors) bool {
	i := slices.IndexFunc(wrong, func(p config.Problem) bool {
		return p.Path != v.path+" interface" && (p.Path == v.path || strings.HasPrefix(p.Path, v.path+" "))
	})
	if i < 0 {
		return false
	}
	if v.alone() {
		b.changed(v.path, b.where(v.path), "the document cannot have it beside the others (%s): it stands at the end as a comment", wrong[i].What)
	} else {
		b.lost(v.path, b.where(v.path), "no document takes it as it is: %s", wrong[i].What)
	}
	return true
}

// leaveLink takes the interface out if that is what is wrong: the address is on another one.
func (v *virtual) leaveLink(wrong config.Errors) bool {
	blamed := slices.ContainsFunc(wrong, func(p config.Problem) bool { return p.Path == v.path+" interface" }) && v.Interface != ""
	if blamed {
		v.Interface = ""
	}
	return blamed
}

// asides are the inactive virtuals that the document cannot have, and that would be right if they were alone.
func (b *builder) asides() []config.Virtual {
	var out []config.Virtual
	for _, v := range b.virtuals {
		if v.gone || !v.inactive {
			continue
		}
		if v.alone() {
			out = append(out, config.Complete(config.Document{Virtuals: []config.Virtual{v.whole()}}).Virtuals...)
		}
	}
	return out
}

// alone reports whether the virtual would be right as the only one.
func (v *virtual) alone() bool {
	return config.Complete(config.Document{Virtuals: []config.Virtual{v.whole()}}).Validate() == nil
}

// mend takes out what path is about and notes what that was, between the words before and after. It answers false if there was
// nothing to take out any more.
func (b *builder) mend(path, before, after string) bool {
	at := b.where(path)
	about, attr := path, ""
	for about != "" && b.found[about] == nil {
		about, attr = parent(about), strings.TrimSpace(about[len(parent(about)):]+" "+attr)
	}
	var what string
	switch x := b.found[about].(type) {
	case *vip:
		what = x.without(attr)
	case *virtual:
		what = x.without(attr)
	case *server:
		what = x.without(attr)
	case *routerCheck:
		what = x.without()
	case *notify:
		if !x.gone {
			x.gone = true
			what = fmt.Sprintf("notify %q", x.Name)
		}
	default:
		about = "cluster"
		what = b.withoutCluster(strings.TrimPrefix(attr, "cluster "))
	}
	if what == "" {
		return false
	}
	b.lost(about, at, "%s%s%s", before, what, after)
	return true
}

// without takes an attribute out of the vip, or the whole of it, and returns what that was; "" for nothing.
func (v *vip) without(attr string) (what string) {
	switch {
	case v.gone:
	case attr == "group" && v.Group != "default":
		what, v.Group = written("group", v.Group), "default"
	case attr == "interface" && v.Interface != "":
		what, v.Interface = written("interface", v.Interface), ""
	default:
		v.gone, what = true, fmt.Sprintf("vip %q (%s)", v.Name, v.Address)
	}
	return what
}

// without is the same for a server.
func (s *server) without(attr string) (what string) {
	switch first, _, _ := strings.Cut(attr, " "); {
	case s.gone:
	case first == "check" && s.Check != nil:
		what, s.Check = fmt.Sprintf("the server's own %s check", s.Check.Kind), nil
	default:
		s.gone, what = true, fmt.Sprintf("server %q", s.Name)
	}
	return what
}

// without is the same for a virtual.
func (v *virtual) without(attr string) (what string) {
	first, _, _ := strings.Cut(attr, " ")
	switch {
	case v.gone:
	case first == "sorry_server" && len(v.Sorry) > 0:
		what, v.Sorry = written("sorry_server", v.Sorry[0].Address), nil
	case first == "min_servers" && v.MinServers != 1:
		what, v.MinServers = fmt.Sprintf("min_servers = %d", v.MinServers), 1
	case first == "hysteresis" && v.Hysteresis != 0:
		what, v.Hysteresis = fmt.Sprintf("hysteresis = %d", v.Hysteresis), 0
	case first == "interface" && v.Interface != "":
		what, v.Interface = written("interface", v.Interface), ""
	case first == "flags" && len(v.Flags) > 0:
		what, v.Flags = fmt.Sprintf("flags = %q", v.Flags), nil
	case first == "scheduler" && v.Scheduler != "wlc":
		what, v.Scheduler = written("scheduler", v.Scheduler), "wlc"
	case attr == "persistent engine" && v.Persistent != nil && v.Persistent.Engine != "":
		what, v.Persistent.Engine = written("engine", v.Persistent.Engine), ""
	case first == "persistent" && v.Persistent != nil:
		what, v.Persistent = fmt.Sprintf("persistent (%s)", v.Persistent.Timeout), nil
	case first == "check" && v.Check != nil && v.connects():
		what = fmt.Sprintf("the %s check (send %q, expect %q, command %q; a tcp connect stands in)", v.Check.Kind, v.Check.Send, v.Check.Expect, v.Check.Command)
		v.Check = &config.Check{Kind: config.CheckTCP, Every: v.Check.Every, Timeout: v.Check.Timeout, Rise: v.Check.Rise, Fall: v.Check.Fall, Port: v.Check.Port}
	case first == "check" && v.Check != nil:
		what, v.Check = fmt.Sprintf("the %s check", v.Check.Kind), nil
	default:
		v.gone, what = true, fmt.Sprintf("virtual %q", v.Name)
	}
	return what
}

// connects reports whether a tcp connect can stand in for the virtual's check.
func (v *virtual) connects() bool {
	k := v.Check.Kind
	return k != config.CheckTCP && k != config.CheckHTTP && v.Protocol != config.UDP && !(v.FWMark != 0 && v.Check.Port == 0)
}

// withoutCluster is the same for what concerns the whole cluster.
func (b *builder) withoutCluster(attr string) (what string) {
	c := &b.cluster
	switch {
	case strings.HasPrefix(attr, "sync_daemon") && c.SyncDaemon != nil:
		what, c.SyncDaemon = fmt.Sprintf("sync_daemon (%s)", c.SyncDaemon), nil
	case strings.HasPrefix(attr, "timeouts") && c.Timeouts != (config.Timeouts{}):
		what, c.Timeouts = "timeouts", config.Timeouts{}
	case attr == "prefer" && len(c.Prefer) > 0:
		what, c.Prefer = fmt.Sprintf("prefer = %q", c.Prefer), nil
	}
	return what
}

// written is an attribute as the document writes it.
func written[T ~string | netip.AddrPort](name string, value T) string {
	return fmt.Sprintf("%s = %q", name, fmt.Sprint(value))
}
