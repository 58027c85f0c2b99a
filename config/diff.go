package config

import (
	"fmt"
	"maps"
	"slices"
)

// Symbol says what becomes of a part of the document.
type Symbol string

// The symbols.
const (
	Added   Symbol = "+"
	Changed Symbol = "~"
	Removed Symbol = "-"
)

// Kind says what a Change is about.
type Kind string

// The kinds of Change.
const (
	KindCluster Kind = "cluster"
	KindVIP     Kind = "vip"
	KindVirtual Kind = "virtual"
	KindServer  Kind = "server"
)

// Change is one part of the document that differs.
type Change struct {
	Symbol Symbol        `json:"symbol"`
	Kind   Kind          `json:"kind"`
	Name   string        `json:"name,omitempty"`   // "web"; of a server "web/a"; "" for the cluster
	Text   string        `json:"text,omitempty"`   // of what is added or removed: its gist
	Fields []FieldChange `json:"fields,omitempty"` // of what is changed: at least one
	Note   string        `json:"note,omitempty"`   // what it means for connections, or ""
}

// FieldChange is one attribute that differs. Values are as a person writes them; "" is not set.
type FieldChange struct {
	Name string `json:"name"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// Changes is a whole difference: the cluster, then vips, then virtuals by name, each virtual followed by its servers.
type Changes []Change

// What a change means for connections. The kernel edits schedulers, flags, persistence and weights in place; a service of
// another address, port, protocol or mark is another service.
const (
	inPlace        = "in place, existing connections stay"
	newService     = "new service: connections of the old one end"
	newDestination = "new destination: the old one takes no new connections"
	endService     = "its connections end"
	endServer      = "drain, then remove"
)

// Diff returns what is different in to, seen from from. Both must be complete; a cluster's first document counts as one
// where everything is default. Equal documents have no difference.
func Diff(from, to Document) Changes {
	from, to = complete(from), complete(to)
	var all Changes
	if fields := fieldChanges(clusterFields(from.Cluster), clusterFields(to.Cluster)); len(fields) > 0 {
		all = append(all, Change{Symbol: Changed, Kind: KindCluster, Fields: fields})
	}
	all = append(all, merge(from.VIPs, to.VIPs, func(v VIP) string { return v.Name }, vipChanges)...)
	return append(all, merge(from.Virtuals, to.Virtuals, func(v Virtual) string { return v.Name }, virtualChanges)...)
}

// merge calls each for every name on either side, in the order of names; a side that lacks it is nil.
func merge[T any](from, to []T, name func(T) string, each func(from, to *T) Changes) Changes {
	before, after := make(map[string]*T), make(map[string]*T)
	for i := range from {
		before[name(from[i])] = &from[i]
	}
	for i := range to {
		after[name(to[i])] = &to[i]
	}
	names := slices.Sorted(maps.Keys(before))
	for n := range after {
		if before[n] == nil {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	var all Changes
	for _, n := range names {
		all = append(all, each(before[n], after[n])...)
	}
	return all
}

func vipChanges(from, to *VIP) Changes {
	switch {
	case from == nil:
		return Changes{{Symbol: Added, Kind: KindVIP, Name: to.Name, Text: vipText(*to)}}
	case to == nil:
		return Changes{{Symbol: Removed, Kind: KindVIP, Name: from.Name, Text: vipText(*from)}}
	}
	fields := fieldChanges(vipFields(*from), vipFields(*to))
	if len(fields) == 0 {
		return nil
	}
	return Changes{{Symbol: Changed, Kind: KindVIP, Name: to.Name, Fields: fields}}
}

func virtualChanges(from, to *Virtual) Changes {
	var all Changes
	switch {
	case from == nil:
		all = Changes{{Symbol: Added, Kind: KindVirtual, Name: to.Name, Text: virtualText(*to)}}
		from = &Virtual{Name: to.Name}
	case to == nil:
		all = Changes{{Symbol: Removed, Kind: KindVirtual, Name: from.Name, Text: where(*from), Note: endService}}
		to = &Virtual{Name: from.Name}
		for _, s := range from.Servers {
			all = append(all, Change{Symbol: Removed, Kind: KindServer, Name: from.Name + "/" + s.Name, Text: from.short(s.Address)})
		}
		return all
	default:
		fields := append(fieldChanges(virtualFields(*from), virtualFields(*to)), checkChanges(from.Check, to.Check)...)
		if len(fields) > 0 {
			note := inPlace
			if where(*from) != where(*to) {
				note = newService
			}
			all = Changes{{Symbol: Changed, Kind: KindVirtual, Name: to.Name, Fields: fields, Note: note}}
		}
	}
	return append(all, merge(from.Servers, to.Servers, func(s Server) string { return s.Name }, func(a, b *Server) Changes {
		return serverChanges(*from, *to, a, b)
	})...)
}

func serverChanges(before, after Virtual, from, to *Server) Changes {
	switch {
	case from == nil:
		return Changes{{Symbol: Added, Kind: KindServer, Name: after.Name + "/" + to.Name, Text: serverText(after, *to)}}
	case to == nil:
		return Changes{{Symbol: Removed, Kind: KindServer, Name: before.Name + "/" + from.Name, Text: before.short(from.Address), Note: endServer}}
	}
	fields := fieldChanges(serverFields(*from), serverFields(*to))
	if len(fields) == 0 {
		return nil
	}
	note := inPlace
	if where(before) != where(after) {
		note = "" // the virtual's own note says it
	} else if from.Address != to.Address {
		note = newDestination
	}
	return Changes{{Symbol: Changed, Kind: KindServer, Name: after.Name + "/" + to.Name, Fields: fields, Note: note}}
}

// Summary counts the changes: "Plan: 1 to add, 1 to change, 1 to remove.", or "No changes.".
func (c Changes) Summary() string {
	if len(c) == 0 {
		return "No changes."
	}
	count := make(map[Symbol]int)
	for _, x := range c {
		count[x.Symbol]++
	}
	return fmt.Sprintf("Plan: %d to add, %d to change, %d to remove.", count[Added], count[Changed], count[Removed])
}
