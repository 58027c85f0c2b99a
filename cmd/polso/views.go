package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"polso/api"
)

// viewsOf is what each router sees of a server, where they differ: "r1 up, r2 down: tcp: connection refused".
func viewsOf(s api.Server) string {
	out := make([]string, len(s.Views))
	for i, v := range s.Views {
		out[i] = v.Router + " " + v.State
		if v.State == "down" && v.Reason != "" {
			out[i] += ": " + oneLine(v.Reason)
		}
	}
	return strings.Join(out, ", ")
}

// tellViews prints what routers see of servers, where they differ.
func tellViews(w io.Writer, rows []any) {
	for _, item := range rows {
		if r, ok := item.(serverRow); ok && len(r.Views) > 0 {
			fmt.Fprintf(w, "%s/%s  routers differ: %s\n", r.Virtual, r.Name, viewsOf(r.Server))
		}
	}
}

// sees is how many of the servers that a router probes it sees up: "5/6".
func sees(s *api.Sees) string {
	if s == nil {
		return "-"
	}
	return fmt.Sprintf("%d/%d", s.Up, s.Up+s.Down+s.Unknown)
}

// failover says why the lead moved, where there is more to say than that it was handed over or lost.
func failover(f *api.Failover) string {
	if f == nil {
		return ""
	}
	_, why, _ := strings.Cut(f.Reason, ": ")
	return why
}

// against is what speaks against a router as the director, by its own word.
func against(m api.Member) string {
	out := slices.Clone(m.Unfit)
	for _, c := range m.Checks {
		if c.Penalty > 0 && c.State == "down" {
			out = append(out, fmt.Sprintf("penalty %d, router_check %s: %s", c.Penalty, c.Name, c.Reason))
		}
	}
	return strings.Join(out, "; ")
}
