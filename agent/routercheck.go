package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"polso/api"
	"polso/config"
	"polso/health"
	"polso/vip"
)

// routerChecks asks what the document has this router ask of itself.
type routerChecks struct {
	set  *health.Set
	want func() []config.RouterCheck
	log  *slog.Logger
	bell chan struct{} // capacity 1: look
}

// The kinds that only a router asks of itself.
const (
	askFile   config.CheckKind = "file"
	askNoFile config.CheckKind = "no file"
	askLink   config.CheckKind = "interface"
)

// newRouterChecks builds what asks with probe, files and links aside.
func newRouterChecks(want func() []config.RouterCheck, probe health.Prober, link func(logical string) (vip.Link, error), log *slog.Logger) *routerChecks {
	r := &routerChecks{want: want, log: log, bell: make(chan struct{}, 1)}
	ask := func(ctx context.Context, t health.Target) health.Result {
		switch t.Check.Kind {
		case askFile:
			return fileHolds(t.Check.Path, t.Check.Contains)
		case askNoFile:
			held := fileHolds(t.Check.Path, t.Check.Contains)
			held.OK = !held.OK
			return held
		case askLink:
			return linkUp(link(t.Check.Host))
		}
		got := probe(ctx, t)
		got.OK = got.OK && got.Advice.Kind == health.NoAdvice // of a command: an exit status of its own is no success here
		return got
	}
	r.set = health.New(health.Options{Probe: ask, Ring: r.ring})
	return r
}

func (r *routerChecks) ring() {
	select {
	case r.bell <- struct{}{}:
	default: // already ringing
	}
}

// run asks until ctx ends, and calls changed when a verdict changes.
func (r *routerChecks) run(ctx context.Context, changed func()) error {
	tick := time.NewTicker(500 * time.Millisecond) // a document that changed is found by then
	defer tick.Stop()
	failing := make(map[string]bool)
	for {
		var targets []health.Target
		list := r.want()
		for _, c := range list {
			targets = append(targets, selfTarget(c))
		}
		r.set.Set(targets)
		failing = r.tell(list, failing)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		case <-r.bell:
			changed()
		}
	}
}

// tell logs what began to fail, and what does no more, and returns what fails.
func (r *routerChecks) tell(list []config.RouterCheck, before map[string]bool) map[string]bool {
	now, view := make(map[string]bool), r.set.View()
	for _, c := range list {
		st := view[selfTarget(c).Key()]
		switch now[c.Name] = st.State == health.Down; {
		case now[c.Name] && !before[c.Name]:
			r.log.Warn("router_check fails", "name", c.Name, "asks", c.Asks(), "reason", st.Reason, "penalty", c.Penalty)
		case !now[c.Name] && before[c.Name]:
			r.log.Info("router_check passes again", "name", c.Name, "reason", st.Reason)
		}
	}
	return now
}

// selfTarget is a router check in the words of health.
func selfTarget(c config.RouterCheck) health.Target {
	t := health.Target{Check: config.Check{Every: c.Every, Timeout: c.Timeout, Rise: c.Rise, Fall: c.Fall}}
	switch {
	case len(c.Command) > 0:
		t.Check.Kind, t.Check.Command, t.Check.User = config.CheckScript, c.Command, c.User
	case c.Ping.IsValid():
		t.Check.Kind, t.Addr = config.CheckICMP, netip.AddrPortFrom(c.Ping, 0)
	case c.Interface != "":
		t.Check.Kind, t.Check.Host = askLink, c.Interface
	case c.Absent:
		t.Check.Kind, t.Check.Path, t.Check.Contains = askNoFile, c.File, c.Contains
	default:
		t.Check.Kind, t.Check.Path, t.Check.Contains = askFile, c.File, c.Contains
	}
	return t
}

// mostOfFile is how much of a file is looked at.
const mostOfFile = 64 << 10

// fileHolds waits for nobody: of what is no file, a pipe for one, it is asked only whether it is there.
func fileHolds(path, text string) health.Result {
	switch st, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return health.Result{Reason: "file: " + path + " is not there"}
	case err != nil:
		return health.Result{Reason: "file: " + err.Error()}
	case text == "":
		return health.Result{OK: true, Reason: "file: " + path + " is there"}
	case !st.Mode().IsRegular():
		return health.Result{Reason: "file: " + path + " is no file that can be read"}
	}
	f, err := os.Open(path)
	if err != nil {
		return health.Result{Reason: "file: " + err.Error()}
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, mostOfFile))
	switch {
	case err != nil:
		return health.Result{Reason: "file: " + err.Error()}
	case !bytes.Contains(head, []byte(text)):
		return health.Result{Reason: fmt.Sprintf("file: %s does not hold %q", path, text)}
	}
	return health.Result{OK: true, Reason: fmt.Sprintf("file: %s holds %q", path, text)}
}

func linkUp(link vip.Link, err error) health.Result {
	switch {
	case err != nil:
		return health.Result{Reason: "interface: " + err.Error()}
	case !link.Up:
		return health.Result{Reason: "interface: " + link.Name + " is down"}
	}
	return health.Result{OK: true, Reason: "interface: " + link.Name + " is up"}
}

// linkOf finds the link that a logical interface stands for on this router.
func linkOf(links func() (vip.Links, error), names map[string]string) func(string) (vip.Link, error) {
	return func(logical string) (vip.Link, error) {
		device, ok := names[logical]
		if !ok {
			return vip.Link{}, fmt.Errorf("this router maps %q to no device", logical)
		}
		all, err := links()
		if err != nil {
			return vip.Link{}, err
		}
		link, ok := all.Named(device)
		if !ok {
			return vip.Link{}, fmt.Errorf("there is no device %s", device)
		}
		return link, nil
	}
}

// asked is what this router asks of itself, by the running document.
func (b *body) asked() []config.RouterCheck {
	var out []config.RouterCheck
	snap := b.snapshot()
	for _, c := range snap.Document.RouterChecks {
		if n, ok := snap.Node(b.member.id); ok && c.On(n.Name) {
			out = append(out, c)
		}
	}
	return out
}

// routerChecks are the parts that ask them.
func (b *body) askItself() []part {
	if b.bare {
		return nil
	}
	changed := func() { b.changed(b.member) }
	return []part{b.local.itself.set.Run, func(ctx context.Context) error { return b.local.itself.run(ctx, changed) }}
}

// itself is what this router's own checks say; checks that have not decided pass.
func (b *body) itself() []api.RouterCheck {
	if b.bare || b.member == nil {
		return nil
	}
	var out []api.RouterCheck
	view := b.local.itself.set.View()
	for _, c := range b.asked() {
		st := view[selfTarget(c).Key()]
		one := api.RouterCheck{Name: c.Name, Asks: c.Asks(), State: st.State.String(), Reason: st.Reason, Penalty: c.Penalty}
		if !st.Since.IsZero() {
			one.Since = &st.Since
		}
		out = append(out, one)
	}
	return out
}

// against adds to a member what its own checks say against it.
func against(m *api.Member, checks []api.RouterCheck) {
	m.Checks = checks
	for _, c := range checks {
		switch {
		case c.State != health.Down.String():
		case c.Penalty > 0:
			m.Penalty += c.Penalty
		default:
			m.Unfit = append(m.Unfit[:len(m.Unfit):len(m.Unfit)], fmt.Sprintf("router_check %s: %s", c.Name, c.Reason))
		}
	}
}

// failingChecks are the problems that a router's own checks make.
func failingChecks(node string, checks []api.RouterCheck) []api.Problem {
	var out []api.Problem
	for _, c := range checks {
		if c.State != health.Down.String() {
			continue
		}
		what := "it is not fit to direct"
		if c.Penalty > 0 {
			what = fmt.Sprintf("it stands back by %d", c.Penalty)
		}
		out = append(out, api.Problem{Node: node, What: "router_check " + c.Name, Why: c.Reason + "; " + what, Fix: "mend what it asks: " + c.Asks})
	}
	return out
}

// examineItself says what passes of this router's own checks; what fails is a problem of the status.
func (b *body) examineItself() []api.Finding {
	var found []api.Finding
	for _, c := range b.itself() {
		switch c.State {
		case health.Up.String():
			found = append(found, ok("router_check "+c.Name, c.Reason))
		case health.Unknown.String():
			found = append(found, warn("router_check "+c.Name, "has not decided yet: "+c.Asks, "wait a moment"))
		}
	}
	return found
}
