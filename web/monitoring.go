package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"polso/api"
)

// monitoringRoutes are Control/Monitoring: the whole at a glance, what each kernel has, what each router sees, and how the lead moved.
func (s *site) monitoringRoutes(mux routes) {
	mux.HandleFunc("GET /monitoring", s.overview)
	mux.HandleFunc("GET /monitoring/ipvs", s.ipvsTable)
	mux.HandleFunc("GET /monitoring/routers", s.sideBySide)
	mux.HandleFunc("GET /monitoring/timeline", s.timeline)
	mux.HandleFunc("POST /monitoring/announce", s.announce)
}

// busiestShown is how many virtual servers the first page has; the others are in their own list.
const busiestShown = 12

// addressesShown is how many addresses the first page has, unless it is asked for all of them.
const addressesShown = 25

// overview is the first page.
type overview struct {
	Status   api.Status
	Alone    *api.Error // why this is what one router alone knows; nil: it is the leader's
	Whole    bool       // every address is asked for
	Virtuals []virtualRow
	States   map[string]int // how many virtual servers are in each state
	Of       int            // virtual servers there are
	Moves    []takeover
	Blind    *api.Error // why Moves is not known
}

// Conflicts are the addresses that somebody else claims.
func (o overview) Conflicts() []api.VIP {
	return slices.DeleteFunc(slices.Clone(o.Status.VIPs), func(v api.VIP) bool { return v.Conflict == nil })
}

// Addresses are those that the page shows: first what somebody else claims and what nobody holds.
func (o overview) Addresses() []api.VIP {
	list := slices.Clone(o.Status.VIPs)
	well := func(v api.VIP) int {
		if v.Conflict != nil || !v.Held {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(list, func(a, b api.VIP) int { return well(a) - well(b) })
	if o.Whole {
		return list
	}
	return list[:min(len(list), addressesShown)]
}

func (s *site) overview(w http.ResponseWriter, r *http.Request) {
	o := overview{Whole: r.FormValue("addresses") == "all"}
	var err error
	now := lookOf(r.Context())
	if o.Status, err = now.cluster(); err != nil {
		o.Alone = problemOf(err)
		o.Status, err = now.own()
	}
	if err == nil {
		err = s.busiest(r.Context(), &o)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if o.Moves, err = s.takeovers(r.Context(), o.Status.Members); err != nil {
		o.Blind = problemOf(err)
	}
	o.Moves = o.Moves[:min(len(o.Moves), 5)]
	s.show(w, r, "monitoring", "monitoring", "Control/Monitoring", o)
}

// busiest finds the virtual servers to look at first: those that are not up, then those with the most new connections.
func (s *site) busiest(ctx context.Context, o *overview) error {
	list, err := s.api.Virtuals(ctx, api.VirtualsRequest{Order: api.ByTrouble, Limit: busiestShown, Local: o.Alone != nil})
	if err != nil {
		return err
	}
	for _, v := range list.Virtuals {
		o.Virtuals = append(o.Virtuals, virtualRow{v})
	}
	o.Of, o.States = list.All, list.States
	return nil
}

// Names are the virtual servers that the page shows, for its stream.
func (o overview) Names() string {
	q := make(url.Values)
	for _, v := range o.Virtuals {
		q.Add("name", v.Name)
	}
	return q.Encode()
}

// announce has this router announce what it holds again.
func (s *site) announce(w http.ResponseWriter, r *http.Request) {
	did, err := s.api.Announce(r.Context(), api.AnnounceRequest{})
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	done(w, r, "/monitoring", outcomes(did))
}
