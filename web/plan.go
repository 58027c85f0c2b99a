package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"polso/api"
	"polso/figures"
	"polso/fsm"
)

// planRoutes lead from a text to its plan, and from there into the cluster.
func (s *site) planRoutes(mux routes) {
	mux.HandleFunc("POST /changes/plan", s.decide)
	mux.Handle("GET /changes/plan", http.RedirectHandler("/changes", http.StatusSeeOther)) // the address of an answer to a form
}

// proposal is a change of the document, as it goes from page to page until it is applied: nothing of it is kept here.
type proposal struct {
	Base     uint64 // the revision that it was made from; 0: the one that is planned on
	Text     string
	Rollback uint64 // instead of Text: the revision whose document is to run again
	Message  string
	Drain    *float64 // seconds that a removed server keeps its connections; nil: as usual
	Confirm  float64  // seconds after which it goes back unless it is confirmed; 0: it stays
	Adopt    bool
	Request  string // done once, however often it is sent
}

// proposeText shows what text would change as a document, with the form that applies it. base is the revision that the text was made
// from. nil: the answer has been written; an error, which is an *api.Error, is for the page that made the text to show, with the text.
func (s *site) proposeText(w http.ResponseWriter, r *http.Request, base uint64, text, message string) error {
	return s.propose(w, r, proposal{Base: base, Text: text, Message: message}, nil)
}

// propose shows the plan of p, and above it why p was not applied (nil: that was not tried).
func (s *site) propose(w http.ResponseWriter, r *http.Request, p proposal, refused *api.Error) error {
	plan, err := s.planOf(r.Context(), p)
	if err != nil {
		return problemOf(err)
	}
	p.Base, p.Request = cmp.Or(p.Base, plan.Base), fsm.NewRequest()
	view := planView{proposal: p, Plan: plan, Refused: refused}
	if view.Draft, err = pack(p.Text); err != nil {
		return problemOf(err)
	}
	if view.Moved() {
		if since, err := s.api.Compare(r.Context(), p.Base, plan.Base); err == nil { // else it is no longer kept, and not known
			view.Since = &since
		}
	}
	s.render(w, r, statusOf(refused), "plan", "changes", "Plan", view)
	return nil
}

func (s *site) planOf(ctx context.Context, p proposal) (api.Plan, error) {
	if p.Rollback == 0 {
		return s.api.Plan(ctx, api.PlanRequest{Files: p.files(), Drain: p.Drain})
	}
	done, err := s.api.Rollback(ctx, api.RollbackRequest{Revision: p.Rollback, Drain: p.Drain, DryRun: true})
	return done.Plan, err
}

// textName is what a text that was written in a page is called where a file's name would be said.
const textName = "the text"

func (p proposal) files() []api.File { return []api.File{{Name: textName, Text: p.Text}} }

// planView is the page of a plan.
type planView struct {
	proposal
	Draft   string // Text, packed
	Plan    api.Plan
	Since   *api.Comparison // what was changed after Base; only if another revision runs, and both are known
	Refused *api.Error
}

// Moved tells whether another revision runs than the one that the change was made from.
func (v planView) Moved() bool { return v.Base != v.Plan.Base }

// DrainSeconds is what stands in the field.
func (v planView) DrainSeconds() string {
	if v.Drain == nil {
		return ""
	}
	return fmt.Sprint(*v.Drain)
}

// Windows are the choices of how long a change waits to be confirmed.
func (planView) Windows() []window {
	list := []window{{0, "no, it stays"}}
	for _, minutes := range []int{1, 5, 15} {
		list = append(list, window{float64(60 * minutes), "unless confirmed within " + figures.Count(minutes, "minute")})
	}
	return list
}

type window struct {
	Seconds float64
	Words   string
}

// Active is how many established connections the change touches.
func (v planView) Active() int {
	n := 0
	for _, c := range v.Plan.Changes {
		n += c.Active
	}
	return n
}

// mostListed is how many changes a table lists, and steps a router: a browser does not get through ten thousand.
const mostListed = 500

// changeTable are changes as a table shows them.
type changeTable struct {
	Caption string
	Rows    []changeRow
	More    int    // changes that are not listed
	Text    string // all of them, if some are not listed
}

// changeRow is one change: its symbol is said in a word too.
type changeRow struct {
	api.Change
	Word, Class string
}

func tableOf(caption string, list []api.Change, text string) changeTable {
	t := changeTable{Caption: caption}
	if len(list) > mostListed {
		t.More, t.Text, list = len(list)-mostListed, text, list[:mostListed]
	}
	rows := make([]changeRow, len(list))
	for i, c := range list {
		rows[i] = changeRow{Change: c, Word: "changed", Class: "warn"}
		switch c.Symbol {
		case "+":
			rows[i].Word, rows[i].Class = "added", "good"
		case "-":
			rows[i].Word, rows[i].Class = "removed", "bad"
		case "-/+":
			rows[i].Word, rows[i].Class = "replaced", "bad"
		}
	}
	t.Rows = rows
	return t
}

// someSteps are the first of a router's steps, and a line that says how many more there are.
func someSteps(all []string) []string {
	if len(all) > mostListed {
		return append(slices.Clip(all[:mostListed]), fmt.Sprintf("and %d more", len(all)-mostListed))
	}
	return all
}

// decide does with a proposal what the button says: it is applied, written on, or planned.
func (s *site) decide(w http.ResponseWriter, r *http.Request) {
	p, err := proposalOf(w, r)
	switch do := r.PostFormValue("do"); {
	case err != nil:
	case do == "write":
		s.backToText(w, r, p, nil)
	case do == "check":
		s.checkText(w, r, p)
	case do == "apply":
		err = s.apply(w, r, p)
	default:
		err = s.propose(w, r, p, nil)
	}
	if err != nil {
		s.backToText(w, r, p, err)
	}
}

// apply has a proposal run. If it does not, the page that is shown then has the proposal still.
func (s *site) apply(w http.ResponseWriter, r *http.Request, p proposal) error {
	applied, err := s.run(r.Context(), p)
	if err != nil {
		return s.propose(w, r, p, problemOf(err))
	}
	done(w, r, "/changes", outcome(applied))
	return nil
}

func (s *site) run(ctx context.Context, p proposal) (api.Applied, error) {
	if p.Rollback != 0 {
		return s.api.Rollback(ctx, api.RollbackRequest{
			Revision: p.Rollback, Base: p.Base, Message: p.Message, RequestID: p.Request, Drain: p.Drain, ConfirmSeconds: p.Confirm,
		})
	}
	return s.api.Apply(ctx, api.ApplyRequest{
		Files: p.files(), Base: p.Base, Message: p.Message, RequestID: p.Request, Drain: p.Drain, Adopt: p.Adopt, ConfirmSeconds: p.Confirm,
	})
}

// outcome says what was done, and how it is undone.
func outcome(a api.Applied) string {
	switch {
	case a.Unchanged:
		return fmt.Sprintf("Nothing to change: revision %d means the same, and runs already.", a.Revision)
	case a.Confirm != nil:
		return fmt.Sprintf("Revision %d runs. It goes back to %d at %s unless it is confirmed below.", a.Revision, a.Confirm.BackTo, a.Confirm.Until.UTC().Format(time.TimeOnly)+" UTC")
	}
	return fmt.Sprintf("Revision %d runs. To undo it, roll back to revision %d below.", a.Revision, a.Before)
}
