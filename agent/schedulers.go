package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"polso/api"
	"polso/config"
	"polso/fsm"
)

// schedulersOf are the schedulers that a document names.
func schedulersOf(doc config.Document) []string {
	var out []string
	for _, v := range doc.Virtuals {
		out = append(out, v.Scheduler)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// without returns what of a list is not in another.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

// lacking are the problems that this router's kernel has with the schedulers of a document. It is asked, which takes some of its time,
// for those alone that the running document does not name: about the others the status tells.
func (b *body) lacking(ctx context.Context, doc config.Document) []api.Problem {
	unproven := without(schedulersOf(doc), schedulersOf(b.snapshot().Document))
	if len(unproven) == 0 {
		return nil
	}
	have, err := b.local.table.Schedulers(ctx, unproven...)
	lacks := without(unproven, have)
	if err == nil && len(lacks) > 0 {
		have, err = b.local.table.Schedulers(ctx)
	}
	if err != nil { // without the privilege to ask; the step tells
		b.a.log.Debug("schedulers are not known", "err", err)
		return nil
	}
	var out []api.Problem
	for _, name := range lacks {
		out = append(out, api.Problem{
			What: lackOf(name), Why: "the kernel has only " + strings.Join(have, " "),
			Fix: fmt.Sprintf("choose one of those, or modprobe ip_vs_%s on every router", name),
		})
	}
	return out
}

// lackOf is what the problem with a scheduler is called.
func lackOf(scheduler string) string { return fmt.Sprintf("scheduler %q", scheduler) }

// schedulable refuses a document with a scheduler that no router which answers has.
func (a *Agent) schedulable(ctx context.Context, set *fsm.SetDocument) error {
	b := a.current.Load()
	doc, err := set.Parsed()
	if err != nil || b.member == nil {
		return nil // which is for the proposal to say
	}
	added := without(schedulersOf(doc), schedulersOf(b.snapshot().Document))
	if len(added) == 0 {
		return nil
	}
	routers, err := a.Foresee(ctx, doc, time.Now())
	if err != nil {
		return err
	}
	routers = slices.DeleteFunc(routers, func(r api.RouterPlan) bool { return !r.Reached })
	for _, name := range added {
		var lack []string
		for _, r := range routers {
			if i := slices.IndexFunc(r.Problems, func(p api.Problem) bool { return p.What == lackOf(name) }); i >= 0 {
				lack = append(lack, r.Name+": "+r.Problems[i].Why)
			}
		}
		if len(lack) == len(routers) && len(lack) > 0 {
			return api.Errorf(api.CodeRefused, "no router's kernel has scheduler %q; nothing was changed", name).
				WithDetail("%s", strings.Join(lack, "; ")).WithHint("choose one that they have, or modprobe ip_vs_%s on every router", name)
		}
	}
	return nil
}
