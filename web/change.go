package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"polso/api"
	"polso/figures"
)

// changeRoutes are what runs, what ran, and the way from one to the other.
func (s *site) changeRoutes(mux routes) {
	s.planRoutes(mux)
	s.textRoutes(mux)
	s.exportRoutes(mux)
	mux.HandleFunc("GET /changes", s.changes)
	mux.HandleFunc("POST /changes/confirm", s.confirm)
	mux.HandleFunc("GET /changes/compare", s.compare)
	mux.HandleFunc("GET /changes/audit", s.audit)
	mux.HandleFunc("GET /changes/{revision}", s.revision)
}

// How many revisions the page of changes has at first, and at most.
const (
	someRevisions = 20
	allRevisions  = 1000
)

// changesView is the page of changes.
type changesView struct {
	Confirm *waiting       // nil: nothing waits
	History []api.Revision // the newest first
	More    int            // how many to ask for to see older ones; 0: these are all
}

// Running is what runs.
func (v changesView) Running() api.Revision {
	if len(v.History) == 0 {
		return api.Revision{}
	}
	return v.History[0]
}

// waiting is a revision that waits to be confirmed.
type waiting struct {
	api.Confirmation
	Now time.Time
}

// Left is the time that is left, in words.
func (w waiting) Left() string { return figures.Age(max(0, w.Until.Sub(w.Now)).Round(time.Second)) }

func (s *site) changes(w http.ResponseWriter, r *http.Request) {
	n, err := number64(r.FormValue("n"))
	if err != nil || n == 0 || n > allRevisions {
		n = someRevisions
	}
	var v changesView
	if v.History, err = s.api.HistoryOfChanges(r.Context(), int(n)); err != nil {
		s.refuse(w, r, err)
		return
	}
	for i := range v.History {
		v.History[i].Changes = brief(v.History[i].Changes)
	}
	if len(v.History) == int(n) && n < allRevisions && v.History[n-1].Number > 1 {
		v.More = min(int(n)+100, allRevisions)
	}
	if st, err := lookOf(r.Context()).cluster(); err == nil && st.Confirm != nil {
		v.Confirm = &waiting{*st.Confirm, time.Now()}
	}
	s.show(w, r, "changes", "changes", "Changes", v)
}

// longestChanges is how much of what a revision changed the history shows, in bytes; comparing shows all of it.
const longestChanges = 16 << 10

// brief is the first lines of what a revision changed.
func brief(changes string) string {
	if len(changes) <= longestChanges {
		return changes
	}
	return changes[:strings.LastIndexByte(changes[:longestChanges], '\n')+1] + "…"
}

func (s *site) confirm(w http.ResponseWriter, r *http.Request) {
	err := posted(w, r)
	var n uint64
	if err == nil {
		n, err = revisionOf(r.PostForm.Get("revision"))
	}
	var did api.Done
	if err == nil {
		did, err = s.api.Confirm(r.Context(), api.ConfirmRequest{Revision: n})
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	done(w, r, "/changes", did.Done[0])
}

// revisionOf is a revision's number in a form or an address.
func revisionOf(text string) (uint64, error) {
	n, err := number64(text)
	if err != nil || n == 0 {
		return 0, api.Errorf(api.CodeNotFound, "%q is no revision: they are numbers, and begin at 1", text).WithHint("the history under Changes lists what there is")
	}
	return n, nil
}

// revisionView is the page of one revision.
type revisionView struct {
	api.Revision
	Text string // as written, or in the canonical layout
}

func (s *site) revision(w http.ResponseWriter, r *http.Request) {
	rev, err := s.revisionIn(r.Context(), r.PathValue("revision"))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	text, err := editable(rev)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.show(w, r, "revision", "changes", fmt.Sprintf("Revision %d", rev.Number), revisionView{rev, text})
}

func (s *site) revisionIn(ctx context.Context, text string) (api.Revision, error) {
	n, err := revisionOf(text)
	if err != nil {
		return api.Revision{}, err
	}
	return s.api.Revision(ctx, n)
}

// compareView is the page of two revisions.
type compareView struct {
	From, To           string // as they were asked for
	FromError, ToError string
	Found              *api.Comparison
	Refused            *api.Error
}

func (s *site) compare(w http.ResponseWriter, r *http.Request) {
	v := compareView{From: r.FormValue("from"), To: r.FormValue("to")}
	if v.From != "" {
		s.compared(r.Context(), &v)
	}
	s.render(w, r, statusOf(v.Refused), "compare", "changes", "Compare revisions", v)
}

// compared finds what tells the two revisions apart; To "" is the running one.
func (s *site) compared(ctx context.Context, v *compareView) {
	number := func(text string, wrong *string) uint64 {
		n, err := revisionOf(text)
		if err != nil {
			*wrong = sentences(problemOf(err))
		}
		return n
	}
	a, b := number(v.From, &v.FromError), uint64(0)
	if v.To != "" {
		b = number(v.To, &v.ToError)
	}
	if v.FromError != "" || v.ToError != "" {
		v.Refused = api.Errorf(api.CodeNotFound, "nothing is compared")
		return
	}
	c, err := s.api.Compare(ctx, a, b)
	if err != nil {
		v.Refused = problemOf(err)
		return
	}
	v.Found = &c
}
