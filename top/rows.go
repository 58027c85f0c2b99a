package top

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strings"

	"polso/api"
	"polso/figures"
)

// row is a virtual, or one of its servers.
type row struct {
	id      string // "web", or "web/a" with what tells it from others of its name
	virtual string
	name    string
	server  bool
	state   string
	up, all int // of a virtual: its servers
	weight  int // of a server: as the kernel has it
	meant   int // and as the document and operators say
	active  int
	idle    int
	rates   api.Rates
	address string
	how     string
}

// rows are what the table has, in its order.
func (m Model) rows() []row {
	if m.status == nil {
		return nil
	}
	less := func(a, b row) int {
		order := columns[m.sort].order(a, b)
		if m.backward {
			order = -order
		}
		return order
	}
	type family struct {
		head    row
		servers []row
	}
	var all []family
	for _, v := range m.status.Virtuals {
		f := family{head: virtualRow(v)}
		whole := m.holds(v.Name)
		for _, s := range v.Servers {
			if r := serverRow(v, s); whole || m.holds(r.virtual+"/"+r.name) {
				f.servers = append(f.servers, r)
			}
		}
		if whole || len(f.servers) > 0 {
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b family) int { return less(a.head, b.head) })
	var out []row
	for _, f := range all {
		out = append(out, f.head)
		if m.isUnfolded(f.head.virtual) {
			slices.SortStableFunc(f.servers, less)
			out = append(out, f.servers...)
		}
	}
	return out
}

func virtualRow(v api.Virtual) row {
	r := row{id: v.Name, virtual: v.Name, name: v.Name, state: v.State, rates: v.Rates, address: addressOf(v), how: v.Scheduler + " " + v.Forward}
	for _, s := range v.Servers {
		if s.State == "up" && !s.Sorry {
			r.up++
		}
		if s.State != "leaving" && !s.Sorry { // it is not meant to be up
			r.all++
		}
		r.active, r.idle = r.active+s.Active, r.idle+s.Inactive
	}
	return r
}

func serverRow(v api.Virtual, s api.Server) row {
	at := net.JoinHostPort(s.Address, fmt.Sprint(s.Port))
	r := row{
		id: v.Name + "/" + s.Name + " " + at, virtual: v.Name, name: cmp.Or(s.Name, at), server: true, state: s.State,
		weight: s.EffectiveWeight, meant: s.Weight, active: s.Active, idle: s.Inactive, rates: s.Rates, address: at,
	}
	if s.Sorry {
		r.how = "sorry"
	}
	return r
}

// addressOf is how a virtual is reached: 192.0.2.10:80,443/tcp, or mark 7.
func addressOf(v api.Virtual) string {
	if v.FWMark != 0 {
		return fmt.Sprintf("mark %d", v.FWMark)
	}
	var ports []string
	for _, p := range v.Ports {
		ports = append(ports, fmt.Sprint(p))
	}
	ports = append(ports, v.Ranges...)
	host := v.Address
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + strings.Join(ports, ",") + "/" + v.Protocol
}

// column is one of the table.
type column struct {
	title string
	key   Key // sorts by it; "": only < and > do
	width int // 0: what is left
	rank  int // the smallest stay where the screen is narrow
	left  bool
	cell  func(m Model, r row) string
	order func(a, b row) int // of what comes first
}

// most has the row with the most first.
func most(of func(row) uint64) func(a, b row) int {
	return func(a, b row) int { return cmp.Compare(of(b), of(a)) }
}

func number(of func(row) uint64) func(Model, row) string {
	return func(_ Model, r row) string { return figures.SI(of(r)) }
}

func bits(of func(row) uint64) func(Model, row) string {
	return func(_ Model, r row) string { return figures.Bits(of(r)) }
}

// What is counted.
func connects(r row) uint64 { return r.rates.Connections }
func actives(r row) uint64  { return uint64(r.active) }
func idles(r row) uint64    { return uint64(r.idle) }
func pktsIn(r row) uint64   { return r.rates.PacketsIn }
func pktsOut(r row) uint64  { return r.rates.PacketsOut }
func bytesIn(r row) uint64  { return r.rates.BytesIn }
func bytesOut(r row) uint64 { return r.rates.BytesOut }

// columns are all there are, from left to right.
var columns = []column{
	{title: "NAME", key: "N", left: true, cell: func(m Model, r row) string { return m.nameCell(r) }, order: func(a, b row) int { return cmp.Compare(a.name, b.name) }},
	{title: "STATE", key: "S", width: 10, rank: 1, left: true, cell: func(m Model, r row) string { s, _ := m.words(r.state); return s },
		order: func(a, b row) int { return cmp.Compare(badness(a), badness(b)) }},
	{title: "UP", key: "U", width: 8, rank: 2, cell: upCell, order: most(func(r row) uint64 { return uint64(max(0, r.all-r.up, r.meant-r.weight)) })},
	{title: "CONN/S", key: "C", width: 7, rank: 3, cell: number(connects), order: most(connects)},
	{title: "ACTIVE", key: "A", width: 7, rank: 4, cell: number(actives), order: most(actives)},
	{title: "INACT", key: "I", width: 6, rank: 7, cell: number(idles), order: most(idles)},
	{title: "INPKT/S", key: "P", width: 8, rank: 8, cell: number(pktsIn), order: most(pktsIn)},
	{title: "OUTPKT/S", width: 9, rank: 9, cell: number(pktsOut), order: most(pktsOut)},
	{title: "IN", key: "B", width: 9, rank: 5, cell: bits(bytesIn), order: most(bytesIn)},
	{title: "OUT", key: "O", width: 9, rank: 6, cell: bits(bytesOut), order: most(bytesOut)},
	{title: "ADDRESS", width: 24, rank: 10, left: true, cell: func(_ Model, r row) string { return clean(r.address) }, order: func(a, b row) int { return cmp.Compare(a.address, b.address) }},
	{title: "HOW", width: 12, rank: 11, left: true, cell: func(_ Model, r row) string { return clean(r.how) }, order: func(a, b row) int { return cmp.Compare(a.how, b.how) }},
}

// columnOf is the place of the column that bears a name; "" is that of new connections.
func columnOf(name string) (int, error) {
	i := slices.IndexFunc(columns, func(c column) bool { return strings.EqualFold(c.title, cmp.Or(name, "CONN/S")) })
	if i < 0 {
		return 0, fmt.Errorf("there is no column %q; sort by %s", name, strings.Join(Columns(), ", "))
	}
	return i, nil
}

// Columns are the names of the columns.
func Columns() []string {
	var names []string
	for _, c := range columns {
		names = append(names, c.title)
	}
	return names
}

// upCell is how many of a virtual's servers are up, or a server's weight: that which counts, and that which is meant where it is another.
func upCell(_ Model, r row) string {
	switch {
	case r.server && r.weight != r.meant:
		return fmt.Sprintf("w %d/%d", r.weight, r.meant)
	case r.server:
		return fmt.Sprintf("w %d", r.weight)
	case r.up < r.all:
		return fmt.Sprintf("%d/%d !", r.up, r.all)
	default:
		return fmt.Sprintf("%d/%d", r.up, r.all)
	}
}

// badness orders states: what needs somebody first.
func badness(r row) int {
	order := []string{"down", "panic", "unknown", "drain", "leaving", "disabled", "up", "inactive"}
	i := slices.Index(order, r.state)
	if r.state == "up" && !r.server && r.up < r.all {
		return slices.Index(order, "panic")
	}
	return i
}
