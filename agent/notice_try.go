package agent

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"polso/api"
	"polso/config"
	"polso/fsm"
	"polso/notify"
)

// noticeTrial has a router tell a notify block of a test.
type noticeTrial struct {
	Notify string `json:"notify"`
	By     string `json:"by"` // who asked for it
}

// TestNotice has a notify block tell of a test, by the router that is named or by each of them, all at once. It goes past the
// block's queue, so that neither waits for the other.
func (a *Agent) TestNotice(ctx context.Context, by fsm.Actor, r api.NoticeTestRequest) (api.NoticeTest, error) {
	snap, err := a.State(ctx)
	if err != nil {
		return api.NoticeTest{}, err
	}
	n, err := noticeOf(snap, r.Notify)
	if err != nil {
		return api.NoticeTest{}, err
	}
	routers, err := tellers(snap, r.Router)
	if err != nil {
		return api.NoticeTest{}, err
	}
	b := a.current.Load()
	out := api.NoticeTest{Schema: api.Schema, Notify: n.Name, To: n.Way(), Results: make([]api.NoticeTried, len(routers))}
	var all sync.WaitGroup
	for i, name := range routers {
		all.Go(func() {
			got, err := onRouter(ctx, b, name, pathNotice, noticeTrial{n.Name, by.Name}, b.tryNotice)
			if err != nil {
				e := asAPIError(err)
				got = api.NoticeTried{Router: name, Answer: e.Error(), Hint: e.Hint}
			}
			out.Results[i] = got
		})
	}
	all.Wait()
	return out, ctx.Err()
}

// tellers are the routers that may have to tell somebody: the one that is named, or all.
func tellers(snap *fsm.Snapshot, name string) ([]string, error) {
	if name != "" {
		switch n, ok := snap.NodeByName(name); {
		case !ok:
			return nil, unknownRouter(snap, name)
		case n.Kind != fsm.Router:
			return nil, api.Errorf(api.CodeRefused, "%s is a witness: it tells nobody", name).WithHint("polso members tells who is a router")
		}
		return []string{name}, nil
	}
	var names []string
	for _, n := range snap.Nodes {
		if n.Kind == fsm.Router {
			names = append(names, n.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// noticeOf is a notify block of the running document.
func noticeOf(snap *fsm.Snapshot, name string) (config.Notify, error) {
	var names []string
	for _, n := range snap.Document.Notifies {
		if n.Name == name {
			return n, nil
		}
		names = append(names, n.Name)
	}
	err := api.Errorf(api.CodeNotFound, "notify %q is not in the document", name)
	if len(names) == 0 {
		return config.Notify{}, err.WithHint("it has no notify block; polso add notify --help shows how to add one")
	}
	return config.Notify{}, err.WithDetail("it has %s", strings.Join(names, ", ")).WithHint("polso show prints the document")
}

// tryNotice tells a block of a test from this router, and from its own replica of the document.
func (b *body) tryNotice(ctx context.Context, t noticeTrial) (api.NoticeTried, error) {
	snap := b.snapshot()
	n, err := noticeOf(snap, t.Notify)
	if err != nil {
		return api.NoticeTried{}, err
	}
	got := notify.Try(ctx, n, notify.Event{Kind: notify.Test, At: time.Now(), Cluster: snap.Cluster.Name, Router: b.a.o.Name, Reason: "asked for by " + t.By})
	return api.NoticeTried{Router: b.a.o.Name, Told: got.Told, Seconds: got.Took.Seconds(), Answer: got.Answer, Output: got.Output, Hint: got.Hint}, nil
}
