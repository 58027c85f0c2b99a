package agent

import (
	"bytes"
	"context"
	"fmt"
	"regexp"

	"golang.org/x/sync/errgroup"

	"polso/api"
	"polso/config"
	"polso/director"
	"polso/health"
)

// RunCheck probes once from a router.
func (a *Agent) RunCheck(ctx context.Context, r api.CheckRequest) (api.CheckRun, error) {
	b := a.current.Load()
	return onRouter(ctx, b, r.On, pathCheck, r, b.runCheck)
}

// atOnce is how many servers of a virtual are asked at a time.
const atOnce = 32

// runCheck asks each server that is meant once, as its check would, from where its check would.
func (b *body) runCheck(ctx context.Context, r api.CheckRequest) (api.CheckRun, error) {
	if b.bare {
		return api.CheckRun{}, api.Errorf(api.CodeRefused, "%s is a witness: it checks nobody", b.a.o.Name).WithHint("polso members tells who is a router; name one with --from")
	}
	snap := b.snapshot()
	if err := isThere(snap, r.Virtual, r.Server); err != nil {
		return api.CheckRun{}, err
	}
	out := api.CheckRun{Schema: api.Schema, Node: b.a.o.Name, Results: []api.CheckProbe{}}
	var work errgroup.Group
	work.SetLimit(atOnce)
	var asked []*api.CheckProbe
	for _, v := range snap.Document.Virtuals {
		for _, s := range v.Servers {
			if v.Name != r.Virtual || r.Server != "" && s.Name != r.Server {
				continue
			}
			p := &api.CheckProbe{Virtual: v.Name, Server: s.Name}
			asked = append(asked, p)
			work.Go(func() error {
				b.probeOnce(ctx, v, s, r.Steps, p)
				return nil
			})
		}
	}
	_ = work.Wait() // nothing of it fails: a probe that does is an answer
	if err := ctx.Err(); err != nil {
		return api.CheckRun{}, err
	}
	for _, p := range asked {
		out.Results = append(out.Results, *p)
	}
	if len(out.Results) == 0 {
		return api.CheckRun{}, api.Errorf(api.CodeNotFound, "virtual %q has no server to check", r.Virtual).WithHint("what leaves is checked no more: polso get servers %s", r.Virtual)
	}
	return out, nil
}

// probeOnce fills in p.
func (b *body) probeOnce(ctx context.Context, v config.Virtual, s config.Server, steps bool, p *api.CheckProbe) {
	t, checked := director.TargetOf(v, s)
	if !checked {
		p.Address, p.State, p.Reason = s.Address.String(), "unchecked", "there is no check: it counts as up"
		if v.Check != nil || s.Check != nil {
			p.Reason = "its check has no port to ask"
		}
		return
	}
	var seen trace
	got := b.local.traced(seen.note)(ctx, t)
	p.Address, p.State, p.Seconds, p.Reason = t.Addr.String(), "down", got.Took.Seconds(), got.Reason
	if got.OK {
		p.State = "up"
	}
	if steps {
		p.Steps, p.Cut = seen.steps, seen.cut
	}
}

// What is told of one probe at most: an answer may be long, and of ten servers they come together.
const (
	mostSteps = 200
	mostBytes = 64 << 10
)

// trace keeps the steps of a probe.
type trace struct {
	steps []api.CheckStep
	bytes int
	cut   bool
}

// note keeps a step, of its bytes as many as there is room for, and no secret.
func (t *trace) note(s health.Step) {
	if len(t.steps) == mostSteps {
		t.cut = true
		return
	}
	kept := masked(s.Bytes)
	if room := mostBytes - t.bytes; len(kept) > room {
		kept, t.cut = kept[:room], true
	}
	t.bytes += len(kept)
	t.steps = append(t.steps, api.CheckStep{At: s.At.Seconds(), What: s.What, Bytes: kept})
}

// secret finds headers of HTTP whose values are nobody's business, by what their names end with.
var secret = regexp.MustCompile(`(?im)^([\w-]*(?:authorization|cookie|key|token|secret|password|signature))(:[ \t]*)([^\r\n]+)`)

// masked is b with the values of secret headers gone, and how long they were left to see.
func masked(b []byte) []byte {
	return secret.ReplaceAllFunc(b, func(line []byte) []byte {
		m := secret.FindSubmatch(line)
		return fmt.Appendf(bytes.Join(m[1:3], nil), "(%d bytes)", len(m[3]))
	})
}
