package top

import (
	"fmt"
	"strings"

	"polso/figures"
)

// helpText is what the keys do, no line wider than a small screen.
var helpText = []string{
	"Up Down PgUp PgDn   move (j k)",
	"Home End            first, last (g G)",
	"Enter               a virtual's servers",
	"Right Left          unfold, fold",
	"a                   unfold or fold all",
	"/                   filter by name",
	"Esc                 no filter",
	"< >                 sort by the column",
	"                    left, right of it",
	"R                   the other way round",
	"N S U C A           name state up",
	"                    conn/s active",
	"I P B O             inactive packets",
	"                    bytes in, out",
	"p                   pause, go on",
	"!                   members, problems",
	"Ctrl-L              draw anew",
	"q                   quit",
	"",
	"UP: servers up of all; w: weight, and",
	"what is meant where it is another.",
	"Rates are the director's kernel's.",
}

// pageHeight is how many lines of a page are seen at a time.
func (m Model) pageHeight() int { return max(1, m.height-2) }

// pageLines are the whole page.
func (m Model) pageLines() []Line {
	var lines []Line
	if m.page == help {
		for _, l := range helpText {
			lines = append(lines, m.one(l, Plain))
		}
		return lines
	}
	if m.status == nil {
		return []Line{m.one("the agent has not answered yet", Plain)}
	}
	for _, x := range m.status.Members {
		seen := "answered " + figures.Age(figures.Seconds(x.Contact)) + " ago"
		if x.Raft == "leader" || x.State == "unknown" {
			seen = x.Raft
		}
		role := x.Director
		if x.Kind == "witness" {
			role = x.Kind
		}
		lines = append(lines, m.parts(Span{clean(x.Name), Strong}, m.state(x.State), Span{Text: strings.TrimSpace(role + " " + clean(seen))}, Span{Text: fmt.Sprintf("revision %d", x.AppliedRevision)}))
		for _, why := range x.Unfit {
			lines = append(lines, m.wrap("  ! "+clean(why), Warn)...)
		}
	}
	for _, p := range m.status.Problems {
		lines = append(lines, m.wrap("! "+problem(p), Warn)...)
		if p.Fix != "" {
			lines = append(lines, m.wrap("  "+clean(p.Fix), Plain)...)
		}
	}
	if len(m.status.Problems) == 0 {
		lines = append(lines, m.one("no problems", Plain))
	}
	return lines
}

func (m Model) pageView() []Line {
	title := "polso top: keys"
	if m.page == members {
		title = "polso top: members and problems"
	}
	all := m.pageLines()
	lines := []Line{m.one(title, Strong)}
	lines = append(lines, all[min(m.turned, len(all)):min(len(all), m.turned+m.pageHeight())]...)
	for len(lines) < m.height-1 {
		lines = append(lines, nil)
	}
	foot := "any other key goes back"
	if len(all) > m.pageHeight() {
		foot = fmt.Sprintf("%d-%d of %d   Down goes on, ", m.turned+1, min(len(all), m.turned+m.pageHeight()), len(all)) + foot
	}
	return append(lines, m.one(foot, Plain))
}

// wrap breaks text at its spaces; what follows is as far to the right as it begins.
func (m Model) wrap(text string, tone Tone) []Line {
	words := strings.TrimLeft(text, " ")
	indent := text[:len(text)-len(words)]
	var lines []Line
	now := ""
	for word := range strings.FieldsSeq(words) {
		switch {
		case now == "":
			now = indent + word
		case width(now)+1+width(word) > m.width:
			lines, now = append(lines, m.one(now, tone)), indent+word
		default:
			now += " " + word
		}
	}
	return append(lines, m.one(now, tone))
}
