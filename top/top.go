// Package top shows a cluster at work, live, in a terminal: what each virtual server and real server carries, as the director counts it.
//
// A Model is a value: what was answered and what was pressed make another, and View writes it in lines. Only Run knows a terminal.
package top

import (
	"maps"
	"slices"
	"strings"
	"time"

	"polso/api"
)

// Tone is how a piece of text stands out. It is never all that tells a state: the words do.
type Tone int

// The tones.
const (
	Plain Tone = iota
	Good
	Warn
	Bad
	Strong   // of a title
	Reversed // of the line with the columns' names
	Chosen   // of the line that keys are about
)

// Words is how a state is written, and in what tone: "● UP", Good.
type Words func(state string) (string, Tone)

// Settings are what a Model begins with.
type Settings struct {
	Words  Words
	Every  time.Duration // between two questions; told, not kept
	Sort   string        // a column's name, in whatever case; "": by new connections
	Filter string
	Unfold bool // every virtual
	ASCII  bool // no other characters
}

// Model is all there is to see, and what of it is shown. The zero value shows nothing yet; New makes one.
type Model struct {
	words Words
	every time.Duration
	ascii bool

	width, height int

	status  *api.Status // nil: no answer yet. It is never modified
	at      time.Time   // of that answer
	trouble error       // what the last question came to instead of an answer; nil: it was answered

	sort     int // in columns
	backward bool
	filter   string
	typing   bool   // the filter
	before   string // the filter that Esc goes back to
	unfolded map[string]bool
	chosen   string // a row's ID; "": the first row, whichever it is
	place    int    // of the row that was chosen last
	first    int    // the row at the table's top
	paused   bool
	list     []row // the table, as all of the above has it
	page     page  // what covers the table; nobody: nothing does
	turned   int   // the page's lines that are above the screen's
}

// page is what covers the table.
type page int

const (
	table page = iota
	help
	members
)

// New is a model of that size, or an error that says which columns there are to sort by.
func New(s Settings, width, height int) (Model, error) {
	m := Model{words: s.Words, every: s.Every, ascii: s.ASCII, width: width, height: height, filter: s.Filter, unfolded: map[string]bool{"": s.Unfold}}
	var err error
	m.sort, err = columnOf(s.Sort)
	return m.settled(), err
}

// Resized is m on a screen of another size.
func (m Model) Resized(width, height int) Model {
	m.width, m.height = width, height
	return m.settled()
}

// Answered is m with what the agent answered at a time. While m is paused it stays as it is.
func (m Model) Answered(st api.Status, at time.Time) Model {
	if m.paused {
		return m
	}
	m.status, m.at, m.trouble = &st, at, nil
	return m.settled()
}

// Failed is m with why the agent did not answer; what it answered last stays.
func (m Model) Failed(err error) Model {
	m.trouble = err
	return m
}

// Key is a character, or one of the names below.
type Key string

// The keys that are no characters.
const (
	Up        Key = "up"
	Down      Key = "down"
	Left      Key = "left"
	Right     Key = "right"
	PageUp    Key = "page up"
	PageDown  Key = "page down"
	Home      Key = "home"
	End       Key = "end"
	Enter     Key = "enter"
	Esc       Key = "esc"
	Backspace Key = "backspace"
	Interrupt Key = "ctrl-c"
	Stop      Key = "ctrl-z"
	Redraw    Key = "ctrl-l"
)

// Action is what a key asks of who owns the terminal.
type Action int

// The actions.
const (
	Nothing Action = iota
	Quit
	Suspend // until the shell brings it back
	Repaint // somebody else has written on the screen
)

// Pressed is m after a key, and what it asks for.
func (m Model) Pressed(k Key) (Model, Action) {
	switch {
	case k == Interrupt:
		return m, Quit
	case k == Stop:
		return m, Suspend
	case k == Redraw:
		return m, Repaint
	case m.typing:
		return m.typed(k).settled(), Nothing
	case k == "q":
		return m, Quit
	case m.page != table:
		return m.turn(k), Nothing
	}
	return m.command(k).settled(), Nothing
}

// typed changes the filter.
func (m Model) typed(k Key) Model {
	switch k {
	case Enter:
		m.typing = false
	case Esc:
		m.typing, m.filter = false, m.before
	case Backspace:
		r := []rune(m.filter)
		m.filter = string(r[:max(0, len(r)-1)])
	default:
		if len([]rune(string(k))) == 1 {
			m.filter += string(k)
		}
	}
	return m
}

// turn moves through a page; what moves nothing closes it.
func (m Model) turn(k Key) Model {
	last := max(0, len(m.pageLines())-m.pageHeight())
	switch k {
	case Up, "k":
		m.turned--
	case Down, "j":
		m.turned++
	case PageUp:
		m.turned -= m.pageHeight()
	case PageDown, " ":
		m.turned += m.pageHeight()
	case Home, "g":
		m.turned = 0
	case End, "G":
		m.turned = last
	default:
		m.page, m.turned = table, 0
	}
	m.turned = max(0, min(m.turned, last))
	return m
}

// command does what a key says about the table.
func (m Model) command(k Key) Model {
	if i := slices.IndexFunc(columns, func(c column) bool { return c.key == k }); i >= 0 {
		m.sort, m.backward = i, false
		return m
	}
	switch k {
	case Up, "k":
		return m.move(-1)
	case Down, "j":
		return m.move(1)
	case PageUp:
		return m.move(-m.rowsHeight())
	case PageDown:
		return m.move(m.rowsHeight())
	case Home, "g":
		m.chosen, m.place = "", 0
	case End, "G":
		return m.move(len(m.list))
	case Enter, " ":
		return m.fold(func(was bool) bool { return !was })
	case Right, "l":
		return m.fold(func(bool) bool { return true })
	case Left, "h":
		return m.fold(func(bool) bool { return false })
	case "a":
		m.unfolded = map[string]bool{"": !m.unfolded[""]}
	case "<":
		m.sort, m.backward = (m.sort+len(columns)-1)%len(columns), false
	case ">":
		m.sort, m.backward = (m.sort+1)%len(columns), false
	case "R":
		m.backward = !m.backward
	case "/":
		m.typing, m.before = true, m.filter
	case Esc:
		m.filter = ""
	case "p", "Z":
		m.paused = !m.paused
	case "!":
		m.page = members
	case "?":
		m.page = help
	}
	return m
}

// move chooses another row, so many further down.
func (m Model) move(by int) Model {
	if len(m.list) == 0 {
		return m
	}
	m.place = max(0, min(m.place+by, len(m.list)-1))
	m.chosen = m.list[m.place].id
	return m
}

// fold folds or unfolds the chosen row's virtual.
func (m Model) fold(next func(was bool) bool) Model {
	if len(m.list) == 0 {
		return m
	}
	r := m.list[m.place]
	was := m.isUnfolded(r.virtual)
	m.unfolded = maps.Clone(m.unfolded)
	m.unfolded[r.virtual] = next(was)
	m.chosen = r.id
	if !m.unfolded[r.virtual] {
		m.chosen = r.virtual
	}
	return m
}

// isUnfolded tells whether a virtual's servers are shown: as was said of it, else as of all.
func (m Model) isUnfolded(virtual string) bool {
	if is, said := m.unfolded[virtual]; said {
		return is
	}
	return m.unfolded[""]
}

// settled is m with the rows that it has now, the chosen one on the screen: another in its place if it has gone.
func (m Model) settled() Model {
	m.list = m.rows()
	i := slices.IndexFunc(m.list, func(r row) bool { return r.id == m.chosen })
	switch {
	case m.chosen == "":
		m.place = 0
	case i >= 0:
		m.place = i
	default:
		m.place = max(0, min(m.place, len(m.list)-1))
	}
	high := m.rowsHeight()
	m.first = max(0, min(m.first, len(m.list)-high, m.place))
	if m.place >= m.first+high {
		m.first = m.place - high + 1
	}
	return m
}

// holds tells whether text has what the filter asks for, in whatever case.
func (m Model) holds(text string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(m.filter))
}
