package top

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/rivo/uniseg"

	"polso/api"
	"polso/figures"
)

// Span is a piece of a line.
type Span struct {
	Text string
	Tone Tone
}

// Line is a line of the screen, never wider than it.
type Line []Span

// String is the line without its tones.
func (l Line) String() string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.Text)
	}
	return strings.TrimRight(b.String(), " ")
}

// View is what the screen shows at a time: at most as many lines as it has.
func (m Model) View(now time.Time) []Line {
	var lines []Line
	if m.width < 1 || m.height < 1 {
		return nil
	}
	if m.page != table {
		lines = m.pageView()
	} else {
		lines = append(m.head(now), m.tableView()...)
		for len(lines) < m.height-1 {
			lines = append(lines, nil)
		}
		lines = append(lines[:max(0, min(len(lines), m.height-1))], m.foot())
	}
	lines = lines[:min(len(lines), m.height)]
	for i := range lines {
		lines[i] = lines[i].within(m.width)
	}
	return lines
}

// within is as much of a line as fits.
func (l Line) within(wide int) Line {
	for i, s := range l {
		if have := width(s.Text); have > wide {
			return append(l[:i:i], Span{cut(s.Text, wide), s.Tone})
		} else {
			wide -= have
		}
	}
	return l
}

// Frame is the head and the whole table, for a file or a pipe.
func (m Model) Frame(now time.Time) []Line {
	m.height = len(m.list) + 20
	m.first, m.place = 0, -1 // no row is chosen
	return append(m.head(now), m.tableView()...)
}

// head is what stands above the table.
func (m Model) head(now time.Time) []Line {
	if m.status == nil {
		first := m.parts(Span{"polso top", Strong}, m.everyPart())
		if m.trouble != nil {
			return append([]Line{first}, m.wrap("! "+said(m.trouble), Bad)...)
		}
		return []Line{first, m.parts(Span{Text: "the agent is asked"})}
	}
	st := *m.status
	lines := []Line{m.clusterLine(st), m.directorLine(st)}
	if m.height > 9 {
		lines = append(lines, m.sumLine(st))
	}
	stale := max(3*m.every, 3*time.Second)
	switch age := now.Sub(m.at); {
	case m.paused:
	case m.trouble != nil:
		lines = append(lines, m.one(fmt.Sprintf("! STALE by %s: %s", figures.Age(age.Truncate(time.Second)), said(m.trouble)), Bad))
	case age > stale:
		lines = append(lines, m.one(fmt.Sprintf("! STALE by %s: the agent takes its time", figures.Age(age.Truncate(time.Second))), Bad))
	}
	switch n := len(st.Problems); {
	case !st.Formed:
		lines = append(lines, m.one("! "+clean(st.Node)+" belongs to no cluster: polso init on the first router, polso join on the others", Warn))
	case n > 0:
		more := ""
		if n > 1 {
			more = fmt.Sprintf("(1 of %d, ! shows all) ", n)
		}
		lines = append(lines, m.one("! "+more+problem(st.Problems[0]), Warn))
	}
	return lines
}

func problem(p api.Problem) string {
	text := clean(p.What) + ": " + clean(p.Why)
	if p.Node != "" {
		text = clean(p.Node) + ": " + text
	}
	return text
}

// said is an error as a line says it, with what to do.
func said(err error) string {
	text := clean(err.Error())
	if e, ok := err.(*api.Error); ok && e.Hint != "" {
		text += "; " + clean(e.Hint)
	}
	return text
}

func (m Model) everyPart() Span { return Span{Text: "every " + m.every.String()} }

func (m Model) state(word string) Span {
	text, tone := m.words(word)
	return Span{text, tone}
}

func (m Model) clusterLine(st api.Status) Line {
	name := st.Cluster
	if name == "" {
		name = st.Node
	}
	parts := []Span{{clean(name), Strong}, m.state(string(st.Health))}
	if m.paused {
		parts = append(parts, Span{"! PAUSED", Warn})
	}
	return m.parts(append(parts, Span{Text: m.at.Format(time.TimeOnly)}, Span{Text: fmt.Sprintf("revision %d", st.Revision)}, m.everyPart(), Span{Text: "asked " + clean(st.Node)})...)
}

func (m Model) directorLine(st api.Status) Line {
	director := Span{Text: "director " + clean(st.Active)}
	if st.Active == "" {
		director = Span{"! NO DIRECTOR", Bad}
	}
	up := 0
	for _, x := range st.Members {
		if x.State == "up" || x.State == "drain" {
			up++
		}
	}
	present := Span{Text: fmt.Sprintf("members %d/%d up", up, len(st.Members))}
	if up < len(st.Members) {
		present = Span{present.Text + " !", Warn}
	}
	parts := []Span{director, present}
	if n := len(st.Problems); n > 0 {
		parts = append(parts, Span{"! " + figures.Count(n, "problem"), Warn})
	}
	if st.Lease.Held && st.Node == st.Active {
		parts = append(parts, Span{Text: "lease " + figures.Age(figures.Seconds(st.Lease.ExpiresIn))})
	}
	return m.parts(append(parts, Span{Text: fmt.Sprintf("term %d", st.Term)}, Span{Text: fmt.Sprintf("can lose %d", st.Quorum.CanLose)}, Span{Text: "profile " + clean(st.Profile)})...)
}

func (m Model) sumLine(st api.Status) Line {
	var sum row
	for _, v := range st.Virtuals {
		r := virtualRow(v)
		sum.up, sum.all, sum.active, sum.idle = sum.up+r.up, sum.all+r.all, sum.active+r.active, sum.idle+r.idle
		sum.rates.Connections += r.rates.Connections
		sum.rates.PacketsIn += r.rates.PacketsIn
		sum.rates.PacketsOut += r.rates.PacketsOut
		sum.rates.BytesIn += r.rates.BytesIn
		sum.rates.BytesOut += r.rates.BytesOut
	}
	return m.parts(
		Span{Text: figures.SI(sum.rates.Connections) + " conn/s"}, Span{Text: figures.SI(actives(sum)) + " active"}, Span{Text: "in " + figures.Bits(sum.rates.BytesIn)}, Span{Text: "out " + figures.Bits(sum.rates.BytesOut)},
		Span{Text: fmt.Sprintf("servers %s", upCell(m, sum))}, Span{Text: figures.SI(idles(sum)) + " inactive"}, Span{Text: figures.SI(sum.rates.PacketsIn) + " packets/s in"}, Span{Text: figures.SI(sum.rates.PacketsOut) + " out"},
	)
}

// parts are as many as the screen is wide for, the first ones first.
func (m Model) parts(parts ...Span) Line {
	var l Line
	used := 0
	for _, p := range parts {
		gap := 3
		if used == 0 {
			gap = 0
		}
		if wide := width(p.Text); used > 0 && used+gap+wide > m.width {
			break
		}
		if gap > 0 {
			l = append(l, Span{Text: strings.Repeat(" ", gap)})
		}
		p.Text = cut(p.Text, m.width)
		l = append(l, p)
		used += gap + width(p.Text)
	}
	return l
}

func (m Model) one(text string, tone Tone) Line { return Line{{cut(text, m.width), tone}} }

// foot is the last line: what is being typed, or what can be pressed.
func (m Model) foot() Line {
	if m.typing {
		return m.one("/"+m.filter+"_   Enter keeps it, Esc does not", Strong)
	}
	rows := m.list
	shown := fmt.Sprintf("%d-%d of %d", min(len(rows), m.first+1), min(len(rows), m.first+m.rowsHeight()), len(rows))
	parts := []Span{{Text: shown}}
	if m.filter != "" {
		parts = append(parts, Span{"/" + clean(m.filter), Warn})
	}
	return m.parts(append(parts, Span{Text: "? help"}, Span{Text: "q quit"}, Span{Text: "Enter servers"}, Span{Text: "< > R sort"}, Span{Text: "/ filter"}, Span{Text: "p pause"}, Span{Text: "! problems"})...)
}

// rowsHeight is how many rows the table has room for. It does not depend on the time: a line that says how old all is covers a row.
func (m Model) rowsHeight() int {
	return max(1, m.height-len(m.head(m.at))-2)
}

// nameCell is a row's name behind what tells whether it is unfolded.
func (m Model) nameCell(r row) string {
	switch {
	case r.server:
		return "    " + clean(r.name)
	case m.isUnfolded(r.virtual):
		return "- " + clean(r.name)
	default:
		return "+ " + clean(r.name)
	}
}

// tableView is the table with its header.
func (m Model) tableView() []Line {
	rows := m.list
	shown, widths, gap := m.layout(rows)
	lines := []Line{m.header(shown, widths, gap)}
	if len(rows) == 0 && m.status != nil {
		why := "the document has no virtual server"
		if m.filter != "" {
			why = "nothing is called " + clean(m.filter)
		}
		return append(lines, m.one(why, Plain))
	}
	for i := m.first; i < min(len(rows), m.first+m.rowsHeight()); i++ {
		lines = append(lines, m.line(rows[i], i == m.place, shown, widths, gap))
	}
	return lines
}

// layout is which columns there is room for, how wide each is, and what is between them.
func (m Model) layout(rows []row) (shown, widths []int, gap int) {
	gap = 2
	if m.width < 60 {
		gap = 1
	}
	const least = 10 // of a name
	name := least
	for _, r := range rows {
		name = max(name, width(m.nameCell(r)))
	}
	name = min(name, 40)
	widths = make([]int, len(columns))
	left := m.width - 1 - least
	kept := make([]bool, len(columns))
	for rank := 1; rank < len(columns); rank++ {
		for i, c := range columns {
			if c.rank == rank && left >= c.width+gap {
				kept[i], widths[i] = true, c.width
				left -= c.width + gap
			} else if c.rank == rank {
				rank = len(columns) // what is less wanted does not come before it
			}
		}
	}
	kept[0], widths[0] = true, max(1, min(least+left, name))
	for i := range columns {
		if kept[i] {
			shown = append(shown, i)
		}
	}
	return shown, widths, gap
}

func (m Model) header(shown, widths []int, gap int) Line {
	text := " "
	for _, i := range shown {
		title := columns[i].title
		if i == m.sort {
			title += m.arrow()
		}
		text += pad(title, widths[i], columns[i].left) + strings.Repeat(" ", gap)
	}
	return Line{{fill(text, m.width), Reversed}}
}

// arrow says which way the table is sorted.
func (m Model) arrow() string {
	switch {
	case m.ascii && m.backward:
		return "^"
	case m.ascii:
		return "v"
	case m.backward:
		return "▲"
	default:
		return "▼"
	}
}

func (m Model) line(r row, chosen bool, shown, widths []int, gap int) Line {
	mark := " "
	if chosen {
		mark = ">"
	}
	l := Line{{Text: mark}}
	for _, i := range shown {
		tone := Plain
		if columns[i].title == "STATE" {
			_, tone = m.words(r.state)
		}
		if columns[i].title == "UP" && !r.server && r.up < r.all {
			tone = Warn
		}
		l = append(l, Span{pad(columns[i].cell(m, r), widths[i], columns[i].left), tone}, Span{Text: strings.Repeat(" ", gap)})
	}
	if chosen {
		return Line{{fill(l.String(), m.width), Chosen}}
	}
	return l[:len(l)-1]
}

// width is how many cells of a screen a text takes.
func width(text string) int { return uniseg.StringWidth(text) }

// cut is as much of text as fits, with a mark where something is left out.
func cut(text string, wide int) string {
	if width(text) <= wide {
		return text
	}
	var b strings.Builder
	used := 0
	for g := uniseg.NewGraphemes(text); g.Next() && used+g.Width() < wide; {
		b.WriteString(g.Str())
		used += g.Width()
	}
	if wide > 0 {
		b.WriteString("~")
	}
	return b.String()
}

// pad is text in exactly so many cells.
func pad(text string, wide int, left bool) string {
	text = cut(text, wide)
	space := strings.Repeat(" ", max(0, wide-width(text)))
	if left {
		return text + space
	}
	return space + text
}

// fill is text over the whole line.
func fill(text string, wide int) string {
	text = cut(strings.TrimRight(text, " "), wide)
	return text + strings.Repeat(" ", max(0, wide-width(text)))
}

// clean is what others wrote, without what a terminal would obey.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
