package web

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"polso/api"
)

// monitoringRoutes are Control/Monitoring: the whole at a glance, what each kernel has, what each router sees, and how the lead moved.
func (s *site) monitoringRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /monitoring", s.overview)
	mux.HandleFunc("GET /monitoring/ipvs", s.ipvsTable)
	mux.HandleFunc("GET /monitoring/routers", s.sideBySide)
	mux.HandleFunc("GET /monitoring/timeline", s.timeline)
	mux.HandleFunc("POST /monitoring/announce", s.announce)
}

// busiestShown is how many virtual servers the first page has; the others are in their own list.
const busiestShown = 12

// overview is the first page.
type overview struct {
	Status   api.Status // virtuals: the shown ones
	Alone    *api.Error // why this is what one router alone knows; nil: it is the leader's
	Virtuals []virtualRow
	Of       int // virtual servers there are
	Moves    []takeover
	Blind    *api.Error // why Moves is not known
}

// Since is when who directs now took over; nil where the last takeover is not of it.
func (o overview) Since() *time.Time {
	f := o.Status.LastFailover
	if f == nil || f.To != o.Status.Active || f.At.IsZero() {
		return nil
	}
	return &f.At
}

// Conflicts are the addresses that somebody else claims.
func (o overview) Conflicts() []api.VIP {
	return slices.DeleteFunc(slices.Clone(o.Status.VIPs), func(v api.VIP) bool { return v.Conflict == nil })
}

func (s *site) overview(w http.ResponseWriter, r *http.Request) {
	var o overview
	st, err := s.api.Status(r.Context())
	if err != nil {
		o.Alone = problemOf(err)
		if st, err = s.api.Local(r.Context()); err != nil {
			s.refuse(w, r, err)
			return
		}
	}
	o.Status, o.Of = st, len(st.Virtuals)
	o.Virtuals = busiest(st.Virtuals, busiestShown)
	if o.Moves, err = s.takeovers(r.Context()); err != nil {
		o.Blind = problemOf(err)
	}
	o.Moves = o.Moves[:min(len(o.Moves), 5)]
	s.show(w, r, "monitoring", "monitoring", "Control/Monitoring", o)
}

// busiest are the n virtual servers to look at first: those that are not up, then those with the most new connections.
func busiest(list []api.Virtual, n int) []virtualRow {
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b api.Virtual) int {
		if aUp, bUp := a.State == "up", b.State == "up"; aUp != bUp {
			if bUp {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.Rates.Connections, a.Rates.Connections), cmp.Compare(a.Name, b.Name))
	})
	rows := make([]virtualRow, min(n, len(sorted)))
	for i := range rows {
		rows[i] = virtualRow{sorted[i]}
	}
	return rows
}

// announce has this router announce what it holds again.
func (s *site) announce(w http.ResponseWriter, r *http.Request) {
	did, err := s.api.Announce(r.Context(), api.AnnounceRequest{})
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	done(w, r, "/monitoring", told(did))
}
