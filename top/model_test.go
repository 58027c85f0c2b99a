package top

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"polso/api"
)

var update = flag.Bool("update", false, "write what the tests compare with anew")

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// cluster is one with something to see: a virtual with a server down and one that drains, one that is down, and idle ones.
func cluster() api.Status {
	server := func(name, addr, state string, weight, effective, active int, conns uint64) api.Server {
		return api.Server{
			Name: name, Address: addr, Port: 80, State: state, Weight: weight, EffectiveWeight: effective, Active: active, Inactive: active / 3,
			Rates: api.Rates{Connections: conns, PacketsIn: conns * 9, BytesIn: conns * 5400},
		}
	}
	virtual := func(name, addr, state string, servers ...api.Server) api.Virtual {
		v := api.Virtual{Name: name, Address: addr, Ports: []uint16{80}, Protocol: "tcp", Scheduler: "wlc", Forward: "dr", State: state, Servers: servers}
		for _, s := range servers {
			v.Rates.Connections += s.Rates.Connections
			v.Rates.PacketsIn += s.Rates.PacketsIn
			v.Rates.BytesIn += s.Rates.BytesIn
		}
		return v
	}
	st := api.Status{
		Cluster: "edge", Node: "r2", Formed: true, Revision: 42, Leader: "r2", Active: "r2", Term: 7, Profile: "lan", Health: api.Degraded,
		Lease: api.Lease{Held: true, ExpiresIn: 0.312}, Quorum: api.Quorum{Voters: 3, Healthy: 2, CanLose: 0},
		Members: []api.Member{
			{Name: "r1", Kind: "router", Raft: "follower", State: "up", Contact: 0.04, AppliedRevision: 42},
			{Name: "r2", Kind: "router", Raft: "leader", Director: "active", State: "up", AppliedRevision: 42},
			{Name: "w1", Kind: "witness", Raft: "follower", State: "down", Contact: 130},
		},
		Virtuals: []api.Virtual{
			virtual("mail", "192.0.2.11", "up", server("m1", "10.0.0.31", "up", 1, 1, 12, 3), server("m2", "10.0.0.32", "up", 1, 1, 14, 4)),
			virtual("web", "192.0.2.10", "up", server("a", "10.0.0.21", "up", 10, 10, 4100, 610), server("b", "10.0.0.22", "up", 10, 10, 4212, 598),
				server("c", "10.0.0.23", "down", 10, 0, 0, 0), server("d", "10.0.0.24", "drain", 10, 0, 87, 0)),
			virtual("intranet", "192.0.2.12", "down", server("i1", "10.0.0.41", "down", 1, 0, 0, 0)),
		},
		Problems: []api.Problem{
			{Node: "w1", What: "member", Why: "it has not answered for 2m10s", Fix: "is it switched on? polso status --local there"},
			{What: "virtual intranet", Why: "none of its servers is up"},
		},
	}
	for i := range 9 {
		st.Virtuals = append(st.Virtuals, virtual(fmt.Sprintf("shop-%d", i+1), fmt.Sprintf("192.0.2.%d", 20+i), "up", server("s1", fmt.Sprintf("10.0.1.%d", i), "up", 1, 1, i, 0)))
	}
	return st
}

func words(state string) (string, Tone) {
	switch state {
	case "up", "HEALTHY":
		return "● " + strings.ToUpper(state), Good
	case "down":
		return "○ DOWN", Bad
	case "drain":
		return "◐ DRAIN", Warn
	default:
		return "! " + strings.ToUpper(state), Warn
	}
}

func model(t *testing.T, wide, high int) Model {
	t.Helper()
	m, err := New(Settings{Words: words, Every: time.Second}, wide, high)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// screen is what m shows, checked to fit.
func screen(t *testing.T, m Model, at time.Time) string {
	t.Helper()
	lines := m.View(at)
	if len(lines) > m.height {
		t.Errorf("%d lines on %d", len(lines), m.height)
	}
	var b strings.Builder
	for _, l := range lines {
		wide := 0
		for _, s := range l {
			wide += width(s.Text)
		}
		if wide > m.width {
			t.Errorf("%d cells on %d: %q", wide, m.width, l.String())
		}
		b.WriteString(l.String() + "\n")
	}
	return b.String()
}

func press(m Model, keys ...Key) Model {
	for _, k := range keys {
		m, _ = m.Pressed(k)
	}
	return m
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// What is seen after keys, on screens from small to large.
func TestScreens(t *testing.T) {
	for _, c := range []struct {
		name       string
		wide, high int
		keys       []Key
		change     func(Model) Model
		later      time.Duration
	}{
		{name: "40x10", wide: 40, high: 10},
		{name: "40x10-unfolded-at-the-end", wide: 40, high: 10, keys: []Key{"a", End}},
		{name: "80x24", wide: 80, high: 24, keys: []Key{Enter, Down}},
		{name: "120x40-sorted-by-name", wide: 120, high: 40, keys: []Key{"a", "N"}},
		{name: "200x30", wide: 200, high: 30, keys: []Key{"S"}},
		{name: "80x24-filter", wide: 80, high: 24, keys: []Key{"/", "S", "h", "o", "p", "x", Backspace}},
		{name: "80x24-filter-server", wide: 80, high: 24, keys: []Key{"a", "/", "/", "m", "2", Enter}},
		{name: "80x24-nothing", wide: 80, high: 24, keys: []Key{"/", "z", Enter}},
		{name: "80x24-help", wide: 80, high: 24, keys: []Key{"?"}},
		{name: "40x10-help-second", wide: 40, high: 10, keys: []Key{"?", PageDown}},
		{name: "80x24-problems", wide: 80, high: 24, keys: []Key{"!"}},
		{name: "80x24-paused", wide: 80, high: 24, keys: []Key{"p"}, later: time.Hour},
		{name: "80x24-lost", wide: 80, high: 24, later: 12 * time.Second, change: func(m Model) Model {
			return m.Failed(api.Errorf(api.CodeUnreachable, "the agent at unix:///run/polso/polso.sock does not answer"))
		}},
		{name: "80x24-slow", wide: 80, high: 24, later: 5 * time.Second},
		{name: "20x5", wide: 20, high: 5},
		{name: "1x1", wide: 1, high: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := press(model(t, c.wide, c.high).Answered(cluster(), noon), c.keys...)
			if c.change != nil {
				m = c.change(m)
			}
			golden(t, c.name, screen(t, m, noon.Add(c.later)))
		})
	}
}

// The screen before the agent has answered says what is the matter; an agent in no cluster says what to do.
func TestBeginning(t *testing.T) {
	m := model(t, 60, 12)
	if got := screen(t, m, noon); !strings.Contains(got, "the agent is asked") {
		t.Error(got)
	}
	m = m.Failed(api.Errorf(api.CodeUnreachable, "the agent does not answer").WithHint("start it with `polso agent`"))
	if got := screen(t, m, noon); !strings.Contains(got, "does not answer; start it") {
		t.Error(got)
	}
	m = m.Answered(api.Status{Node: "r1", Health: api.Forming}, noon)
	if got := screen(t, m, noon); !strings.Contains(got, "r1 belongs to no cluster: polso init") || strings.Contains(got, "does not answer") {
		t.Error(got)
	}
}

// Every size down to nothing shows something that fits, whatever was pressed.
func TestEverySize(t *testing.T) {
	keys := []Key{"a", "?", PageDown, "x", "!", Down, "x", End, PageUp, "/", "w", Enter, ">", ">", ">", "R", Home, "a", Left, Right, "p", Down, Down, Esc}
	for _, wide := range []int{0, 1, 2, 9, 25, 40, 61, 80, 200} {
		for _, high := range []int{0, 1, 2, 5, 9, 10, 24, 60} {
			m := model(t, wide, high).Answered(cluster(), noon)
			screen(t, m, noon)
			for _, k := range keys {
				m = press(m, k)
				screen(t, m, noon)
			}
			m = m.Failed(errors.New("gone"))
			screen(t, m, noon.Add(time.Minute))
			screen(t, m.Resized(high, wide), noon)
		}
	}
}

// The manual shows what is seen.
func TestManualShowsTheScreen(t *testing.T) {
	m := press(model(t, 80, 24).Answered(cluster(), noon), Enter, Down)
	want := strings.TrimSpace(screen(t, m.Resized(80, 18), noon))
	const path = "../docs/operate.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), "```text polso top\n")
	got, after, _ := strings.Cut(rest, "\n```")
	if !found {
		t.Fatal("there is no picture of it")
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+"```text polso top\n"+want+"\n```"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The chosen row stays chosen when the order changes, and another takes its place when it goes.
func TestChoiceFollows(t *testing.T) {
	m := press(model(t, 80, 24).Answered(cluster(), noon), Down) // mail, behind web
	if m.chosen != "mail" {
		t.Fatal(m.chosen)
	}
	busy := cluster()
	busy.Virtuals[0].Rates.Connections = 9000
	if m = m.Answered(busy, noon); m.chosen != "mail" || m.place != 0 {
		t.Error(m.chosen, m.place)
	}
	gone := cluster()
	gone.Virtuals = gone.Virtuals[1:]
	if m = m.Answered(gone, noon); m.list[m.place].id != "web" {
		t.Error(m.list[m.place].id)
	}
	// Whoever has chosen nothing sees what is first.
	if m = model(t, 80, 24).Answered(cluster(), noon).Answered(busy, noon); m.list[m.place].id != "mail" {
		t.Error(m.list[m.place].id)
	}
}

// A paused screen stays; when it goes on, it has what is answered next.
func TestPause(t *testing.T) {
	m := press(model(t, 80, 24).Answered(cluster(), noon), "p")
	other := cluster()
	other.Revision = 43
	if m = m.Answered(other, noon.Add(time.Minute)); m.status.Revision != 42 {
		t.Error("it went on")
	}
	if m = press(m, "Z").Answered(other, noon.Add(time.Minute)); m.status.Revision != 43 {
		t.Error("it did not go on")
	}
}

// What keys ask for.
func TestActions(t *testing.T) {
	for k, want := range map[Key]Action{"q": Quit, Interrupt: Quit, Stop: Suspend, Redraw: Repaint, "x": Nothing} {
		if _, got := model(t, 80, 24).Pressed(k); got != want {
			t.Errorf("%s: %v, want %v", k, got, want)
		}
	}
	if m, do := press(model(t, 80, 24), "/").Pressed("q"); do != Nothing || m.filter != "q" {
		t.Errorf("a q in the filter: %v %q", do, m.filter)
	}
	if m := press(model(t, 80, 24), "/", "a", Enter, "/", "b", Esc); m.filter != "a" {
		t.Errorf("Esc left %q", m.filter)
	}
}

// A state is never told by its tone alone.
func TestStatesHaveWords(t *testing.T) {
	m := press(model(t, 160, 60).Answered(cluster(), noon), "a")
	for _, l := range m.View(noon) {
		for _, s := range l {
			if s.Tone == Good || s.Tone == Warn || s.Tone == Bad {
				if !strings.ContainsAny(s.Text, "●○◐!") {
					t.Errorf("%q has a tone and no sign", s.Text)
				}
			}
		}
	}
}

// What others wrote cannot make a terminal do anything.
func TestNothingIsObeyed(t *testing.T) {
	st := cluster()
	st.Virtuals[1].Servers[0].Name = "a\x1b[2J"
	st.Problems[0].Why = "\x1b]0;title\a"
	m := press(model(t, 160, 60).Answered(st, noon), "a")
	for _, page := range []Model{m, press(m, "!")} {
		if got := screen(t, page, noon); strings.ContainsAny(got, "\x1b\a") {
			t.Errorf("%q", got)
		}
	}
}

func TestUnknownColumn(t *testing.T) {
	if _, err := New(Settings{Sort: "colour"}, 80, 24); err == nil || !strings.Contains(err.Error(), "INPKT/S") {
		t.Error(err)
	}
}
