package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// Symbol says what becomes of a part of the document.
type Symbol string

// The symbols.
const (
	Added   Symbol = "+"
	Changed Symbol = "~"
	Removed Symbol = "-"
	// Replaced is a virtual whose service becomes another one: the new one is made, the old one goes.
	Replaced Symbol = "-/+"
)

// Kind says what a Change is about.
type Kind string

// The kinds of Change.
const (
	KindCluster Kind = "cluster"
	KindVIP     Kind = "vip"
	KindVirtual Kind = "virtual"
	KindServer  Kind = "server"
	KindNotify  Kind = "notify"

	KindSorryServer Kind = "sorry_server" // of an Edit alone: a Change says it of the virtual
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

// Changes is a whole difference: the cluster, then vips, then virtuals by name, each virtual followed by its servers, then who is notified,
// then router checks.
type Changes []Change

// What a change means for connections. The kernel edits schedulers, flags, persistence and weights in place and knows no
// names; a service of another address, port, protocol or mark is another service, and the mark of several ports is made of the name.
const (
	inPlace        = "in place, existing connections stay"
	renamed        = "renamed, connections stay"
	renamedVIP     = "renamed, the address stays"
	newService     = "new service: connections of the old one end"
	leftAddress    = "the old address goes: its connections end"
	newDestination = "new destination: the old one takes no new connections"
	endService     = "its connections end"
	deactivated    = "it serves nothing: its connections end"
	activated      = "it serves again"
	endServer      = "drain, then remove"
)

// Diff returns what is different in to, seen from from. Both must be complete; a cluster's first document counts as one
// where everything is default. Equal documents have no difference. A part that only got another name is changed, neither added
// nor removed, and the change bears the new name.
func Diff(from, to Document) Changes {
	stays := to.has
	from.Virtuals, to.Virtuals = differing(from.Virtuals, to.Virtuals), differing(to.Virtuals, from.Virtuals)
	from, to = Complete(from), Complete(to)
	var all Changes
	if fields := fieldChanges(clusterFields(from.Cluster), clusterFields(to.Cluster)); len(fields) > 0 {
		all = append(all, Change{Symbol: Changed, Kind: KindCluster, Fields: fields})
	}
	vips := pairs(from.VIPs, to.VIPs, func(v VIP) string { return v.Address.Addr().String() }, func(v VIP) string { return v.Name })
	virtuals := pairs(from.Virtuals, to.Virtuals, func(v Virtual) string { return fmt.Sprint(v.Service()) }, func(v Virtual) string { return v.Name })
	byName := func(n Notify) string { return n.Name }
	return slices.Concat(all, each(vips, vipChanges),
		each(virtuals, func(a, b *Virtual) Changes { return virtualChanges(a, b, stays) }),
		each(pairs(from.Notifies, to.Notifies, byName, byName), notifyChanges),
		each(routerCheckPairs(from.RouterChecks, to.RouterChecks), routerCheckChanges))
}

// differing are the virtuals that are not the same in the other list.
func differing(list, other []Virtual) []Virtual {
	named := make(map[string]*Virtual, len(other))
	for i := range other {
		named[other[i].Name] = &other[i]
	}
	var out []Virtual
	for _, v := range list {
		if o := named[v.Name]; o == nil || !v.same(*o) {
			out = append(out, v)
		}
	}
	return out
}

// has tells whether the address is one of the document's, a vip's or a virtual's.
func (d Document) has(a netip.Addr) bool {
	return slices.ContainsFunc(d.VIPs, func(v VIP) bool { return v.Address.Addr() == a }) ||
		slices.ContainsFunc(d.Virtuals, func(v Virtual) bool { return v.Address == a })
}

// pair is one part on both sides; a side that lacks it is nil.
type pair[T any] struct{ from, to *T }

// name is the part's, the newer one if it has two.
func (p pair[T]) name(of func(T) string) string {
	if p.to != nil {
		return of(*p.to)
	}
	return of(*p.from)
}

// pairs matches the parts of both sides, in the order of their names. What the kernel knows a part by comes first (key): one
// that only got another name is still the same. Those that are left are the same if they have the same name.
func pairs[T any](from, to []T, key, name func(T) string) []pair[T] {
	before, after := pointers(from), pointers(to)
	var matched []pair[T]
	for _, by := range []func(T) string{key, name} {
		free := make(map[string]*T)
		for _, t := range after {
			free[by(*t)] = t
		}
		met := make(map[*T]bool)
		for _, f := range before {
			if t := free[by(*f)]; t != nil && !met[t] {
				met[f], met[t] = true, true
				matched = append(matched, pair[T]{f, t})
			}
		}
		before = slices.DeleteFunc(before, func(p *T) bool { return met[p] })
		after = slices.DeleteFunc(after, func(p *T) bool { return met[p] })
	}
	var all []pair[T] // what goes before what comes in its place
	for _, f := range before {
		all = append(all, pair[T]{from: f})
	}
	all = append(all, matched...)
	for _, t := range after {
		all = append(all, pair[T]{to: t})
	}
	slices.SortStableFunc(all, func(a, b pair[T]) int { return cmp.Compare(a.name(name), b.name(name)) })
	return all
}

func pointers[T any](list []T) []*T {
	out := make([]*T, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}

// each is the changes of every pair, one after another.
func each[T any](list []pair[T], changes func(from, to *T) Changes) Changes {
	var all Changes
	for _, p := range list {
		all = append(all, changes(p.from, p.to)...)
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
	note := ""
	if from.Name != to.Name {
		note = renamedVIP
	}
	return Changes{{Symbol: Changed, Kind: KindVIP, Name: to.Name, Fields: fields, Note: note}}
}

// virtualChanges is what becomes of a virtual and its servers; stays tells whether an address is still the document's.
func virtualChanges(from, to *Virtual, stays func(netip.Addr) bool) Changes {
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
			note, symbol := inPlace, Changed
			switch {
			case to.Inactive && !from.Inactive:
				note = deactivated
			case from.Inactive && !to.Inactive:
				note = activated
			case from.Inactive:
				note = ""
			case from.Service() != to.Service():
				note, symbol = newService, Replaced
			case from.Address != to.Address && !stays(from.Address): // a mark's, for several ports
				note = leftAddress
			case from.Name != to.Name:
				note = renamed
			}
			all = Changes{{Symbol: symbol, Kind: KindVirtual, Name: to.Name, Fields: fields, Note: note}}
		}
	}
	servers := pairs(from.Servers, to.Servers, func(s Server) string { return s.Address.String() }, func(s Server) string { return s.Name })
	return append(all, each(servers, func(a, b *Server) Changes { return serverChanges(*from, *to, a, b) })...)
}

func serverChanges(before, after Virtual, from, to *Server) Changes {
	switch {
	case from == nil:
		return Changes{{Symbol: Added, Kind: KindServer, Name: after.Name + "/" + to.Name, Text: serverText(after, *to)}}
	case to == nil:
		note := endServer
		if before.Service() != after.Service() {
			note = "" // it goes with its service
		}
		return Changes{{Symbol: Removed, Kind: KindServer, Name: before.Name + "/" + from.Name, Text: before.short(from.Address), Note: note}}
	}
	fields := append(fieldChanges(serverFields(*from), serverFields(*to)), checkChanges(from.Check, to.Check)...)
	if len(fields) == 0 {
		return nil
	}
	note := inPlace
	switch {
	case before.Service() != after.Service():
		note = "" // the virtual's own note says it
	case from.Address != to.Address:
		note = newDestination
	case from.Name != to.Name:
		note = renamed
	}
	return Changes{{Symbol: Changed, Kind: KindServer, Name: after.Name + "/" + to.Name, Fields: fields, Note: note}}
}

// Summary counts the changes, what is replaced as added and as removed: "Plan: 1 to add, 1 to change, 1 to remove.", or "No changes.".
func (c Changes) Summary() string {
	if len(c) == 0 {
		return "No changes."
	}
	count := make(map[Symbol]int)
	for _, x := range c {
		count[x.Symbol]++
	}
	return fmt.Sprintf("Plan: %d to add, %d to change, %d to remove.", count[Added]+count[Replaced], count[Changed], count[Removed]+count[Replaced])
}
