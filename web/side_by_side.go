package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"polso/api"
)

// routerNames are the names of the routers, in order; of a router that knows no others, its own.
func routerNames(st api.Status) []string {
	var names []string
	for _, m := range st.Members {
		if m.Kind == "router" {
			names = append(names, m.Name)
		}
	}
	if len(names) == 0 {
		names = []string{st.Node}
	}
	slices.Sort(names)
	return names
}

// patience is how long one router may take to say how it stands before the page does without.
const patience = 3 * time.Second

// sideBySidePage is what each router sees, beside the others.
type sideBySidePage struct {
	Status   api.Status
	Routers  []routerColumn
	Differ   []seenServer
	Settings []settingRow
	Chosen   string // whose findings are shown
	Findings []api.Finding
	Problem  *api.Error // why there are none
}

// routerColumn is one router as it sees itself.
type routerColumn struct {
	Name   string
	Member api.Member // as the leader sees it
	Own    api.Status
	Silent *api.Error // why Own is not known
}

// Served is what it holds now.
func (c routerColumn) Served() []string {
	var out []string
	for _, v := range c.Own.VIPs {
		if v.Held {
			out = append(out, v.Address)
		}
	}
	return out
}

// seenServer is a server of which the routers say different things.
type seenServer struct {
	Virtual, Server string
	Views           []api.View // one for each router, in the page's order; State "" where it says nothing
}

// settingRow is one kernel setting on every router.
type settingRow struct {
	Name, For string
	Cells     []api.Sysctl // one for each router, in the page's order; State "" where it has none
}

// Differs tells whether it is not everywhere the same.
func (r settingRow) Differs() bool {
	return slices.ContainsFunc(r.Cells, func(c api.Sysctl) bool { return c.Value != r.Cells[0].Value || c.State == "differs" })
}

func (s *site) sideBySide(w http.ResponseWriter, r *http.Request) {
	st, err := s.api.Status(r.Context())
	if err != nil {
		if st, err = s.api.Local(r.Context()); err != nil {
			s.refuse(w, r, err)
			return
		}
	}
	p := sideBySidePage{Status: st, Chosen: cmp.Or(r.FormValue("router"), st.Node)}
	p.Routers = s.columns(r.Context(), st)
	p.Differ, p.Settings = differing(st, p.Routers), settingsOf(p.Routers)
	found, err := s.api.Doctor(r.Context(), p.Chosen)
	if err != nil {
		p.Problem = problemOf(err)
	}
	p.Findings = worstFirst(found.Findings)
	s.show(w, r, "monitoring-routers", "monitoring", "Routers side by side", p)
}

// columns asks every router how it stands, all at a time.
func (s *site) columns(ctx context.Context, st api.Status) []routerColumn {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	names := routerNames(st)
	out := make([]routerColumn, len(names))
	var wait sync.WaitGroup
	for i, name := range names {
		out[i].Name = name
		if j := slices.IndexFunc(st.Members, func(m api.Member) bool { return m.Name == name }); j >= 0 {
			out[i].Member = st.Members[j]
		}
		wait.Go(func() {
			own, err := s.api.BriefLocalOf(ctx, name)
			if err != nil {
				out[i].Silent = problemOf(err)
			}
			out[i].Own = own
		})
	}
	wait.Wait()
	return out
}

// differing are the servers that one router sees up and another down.
func differing(st api.Status, routers []routerColumn) []seenServer {
	var out []seenServer
	for _, v := range st.Virtuals {
		for _, server := range v.Servers {
			if len(server.Views) == 0 {
				continue
			}
			row := seenServer{Virtual: v.Name, Server: server.Name, Views: make([]api.View, len(routers))}
			for i, c := range routers {
				if j := slices.IndexFunc(server.Views, func(x api.View) bool { return x.Router == c.Name }); j >= 0 {
					row.Views[i] = server.Views[j]
				}
			}
			out = append(out, row)
		}
	}
	return out
}

// settingsOf are the kernel settings of all routers by name.
func settingsOf(routers []routerColumn) []settingRow {
	var out []settingRow
	for i, c := range routers {
		for _, x := range c.Own.Sysctls {
			j := slices.IndexFunc(out, func(r settingRow) bool { return r.Name == x.Name })
			if j < 0 {
				out = append(out, settingRow{Name: x.Name, For: x.For, Cells: make([]api.Sysctl, len(routers))})
				j = len(out) - 1
			}
			out[j].Cells[i] = x
		}
	}
	slices.SortFunc(out, func(a, b settingRow) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// worstFirst has what fails before what is well.
func worstFirst(list []api.Finding) []api.Finding {
	rank := map[string]int{"fail": 0, "warn": 1, "ok": 2}
	slices.SortStableFunc(list, func(a, b api.Finding) int { return cmp.Compare(rank[a.Level], rank[b.Level]) })
	return list
}

// Path is the address of its page.
func (s seenServer) Path() string { return pathTo("virtuals", s.Virtual, "servers", s.Server) }
