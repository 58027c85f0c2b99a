package director

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/health"
)

// sights are what other routers see, each in the words of verdicts, separated by commas.
func sights(doc config.Document, routers ...string) []Sight {
	var out []Sight
	for _, words := range routers {
		out = append(out, SightOf(doc, verdicts(doc, strings.Split(words, ", ")...)))
	}
	return out
}

// inTable are web's servers that get connections, by what Decide makes of the inputs.
func inTable(in Inputs) string {
	var out []string
	for _, s := range Decide(in).Table.Services {
		for _, d := range s.Destinations {
			if d.Weight > 0 {
				out = append(out, string("abc"[d.Addr.Addr().As4()[3]-1]))
			}
		}
	}
	return strings.Join(out, "")
}

const (
	allUp   = "web/a up, web/b up, web/c up"
	allDown = "web/a down, web/b down, web/c down"
	cDown   = "web/a up, web/b up, web/c down"
)

// A router that is cut off empties no pool; what the others see down too goes, and a single failure is nobody's business but its own.
func TestCutOffEmptiesNoPool(t *testing.T) {
	for _, tt := range []struct {
		name   string
		link   bool // eth1, by which the servers are reached, is up
		own    string
		others []string
		want   string
	}{
		{"all is well", true, allUp, []string{allUp, allUp}, "abc"},
		{"one server is down, as the others see it", true, cDown, []string{cDown, cDown}, "ab"},
		{"one server is down here alone", true, cDown, []string{allUp, allUp}, "ab"},
		{"all at once, and the others see them", true, allDown, []string{allUp, allUp}, "abc"},
		{"all at once, and the others see two of them", true, allDown, []string{cDown, cDown}, "ab"},
		{"all at once, and one of two sees them", true, allDown, []string{allUp, allDown}, ""},
		{"all at once, for everybody", true, allDown, []string{allDown, allDown}, ""},
		{"all at once, and nobody is heard", true, allDown, nil, ""},
		{"all at once, and the others have not decided", true, allDown, []string{"web/a x, web/b x, web/c x"}, ""},
		{"the link is down, and the others see them", false, allDown, []string{allUp, allUp}, "abc"},
		{"the link is down, and c failed first", false, cDown, []string{allUp, allUp}, "abc"},
		{"the link is down, and nobody is heard", false, allDown, nil, "abc"},
		{"the link is down, and so are the servers", false, allDown, []string{allDown, allDown}, ""},
	} {
		doc := document(web("a", "b", "c"))
		in := base(doc, strings.Split(tt.own, ", ")...)
		in.Links[1].Up = tt.link
		in.Others.Sights = sights(doc, tt.others...)
		before := fmt.Sprint(in.Health)
		if got := inTable(in); got != tt.want {
			t.Errorf("%s: %q get connections, want %q", tt.name, got, tt.want)
		}
		if fmt.Sprint(in.Health) != before {
			t.Errorf("%s: the view was changed", tt.name)
		}
		if unfit := strings.Join(Decide(in).Unfit, "; "); (unfit == "link eth1: is down, and the way to 3 servers") == tt.link {
			t.Errorf("%s: unfit %q", tt.name, unfit)
		}
	}
}

// With votes a server is down once so many routers see it down, and by this router's own eyes while too few are heard.
func TestVotes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		votes  int
		own    string
		others []string
		want   string
	}{
		{"none: own eyes", 0, cDown, []string{allUp, allUp}, "ab"},
		{"one: own eyes", 1, cDown, []string{allUp, allUp}, "ab"},
		{"two, alone with it", 2, cDown, []string{allUp, allUp}, "abc"},
		{"two, and another", 2, cDown, []string{allUp, cDown}, "ab"},
		{"three, and another", 3, cDown, []string{allUp, cDown}, "abc"},
		{"three, and all", 3, cDown, []string{cDown, cDown}, "ab"},
		{"what is up here stays", 2, allUp, []string{cDown, cDown}, "abc"},
		{"two, and nobody is heard", 2, cDown, nil, "ab"},
		{"three, and only one is heard", 3, cDown, []string{allUp}, "ab"},
		{"two, and one of two has decided", 2, cDown, []string{"web/a up, web/b up, web/c x", allUp}, "abc"},
		{"two, and none of two has decided", 2, cDown, []string{"web/a up, web/b up, web/c x", "web/a x, web/b x, web/c x"}, "ab"},
		{"two, all down everywhere", 2, allDown, []string{allDown, allDown}, ""},
		{"two, all down here alone", 2, allDown, []string{allUp, allUp}, "abc"},
	} {
		doc := document(with(web("a", "b", "c"), func(v *config.Virtual) { v.Votes = tt.votes }))
		in := base(doc, strings.Split(tt.own, ", ")...)
		in.Others.Sights = sights(doc, tt.others...)
		if got := inTable(in); got != tt.want {
			t.Errorf("%s: %q get connections, want %q", tt.name, got, tt.want)
		}
	}
}

// Who follows another document says nothing of a virtual that is another there, and all the same of others. What counts as up
// by the others' word does so for a moment after they have fallen silent.
func TestOthersWithAnotherDocument(t *testing.T) {
	vote := func(v *config.Virtual) { v.Votes = 2 }
	doc := document(with(web("a", "b", "c"), vote))
	older := document(with(web("a", "b"), vote))
	in := base(doc, strings.Split(cDown, ", ")...)
	in.Running = time.Minute
	in.Others.Sights = sights(older, "web/a up, web/b up")
	if got := inTable(in); got != "ab" {
		t.Errorf("an older document: %q get connections, want own eyes", got)
	}
	mail := document(doc.Virtuals[0], with(web("a"), func(v *config.Virtual) { v.Name, v.Check.Kind = "mail", config.CheckHTTP }))
	in.Others.Sights = sights(mail, allUp)
	first := Decide(in)
	if got := inTable(in); got != "abc" {
		t.Errorf("another document with the same virtual: %q get connections, want all", got)
	}
	in.Spared, in.Others = first.Spared, Others{}
	in.Running += spared
	if got := inTable(in); got != "abc" {
		t.Errorf("%v after the others were heard: %q get connections, want all", spared, got)
	}
	in.Running++
	if got := inTable(in); got != "ab" {
		t.Errorf("later: %q get connections, want own eyes", got)
	}
}

// Virtuals that share a probe share its answer: the smallest of their votes counts.
func TestVotesOfSharedProbes(t *testing.T) {
	v := with(web("a", "b", "c"), func(v *config.Virtual) { v.Votes = 3 })
	two := with(v, func(v *config.Virtual) { v.Name, v.Ports, v.Votes = "two", []uint16{81}, 2 })
	one := with(v, func(v *config.Virtual) { v.Name, v.Ports, v.Votes = "one", []uint16{82}, 0 })
	in := base(document(v, two), strings.Split(cDown, ", ")...)
	in.Others.Sights = sights(in.State.Document, cDown, allUp)
	if got := inTable(in); got != "abab" {
		t.Errorf("two of three and of two: %q", got)
	}
	in.State.Document = document(v, two, one)
	in.Others.Sights = sights(in.State.Document, allUp, allUp)
	if got := inTable(in); got != "ababab" {
		t.Errorf("and one with own eyes: %q", got)
	}
}

// What the director alone probes nobody else does; the others have it as the director sees it, and without its word as the table has it.
func TestDirectorProbes(t *testing.T) {
	doc := document(with(web("a", "b", "c"), func(v *config.Virtual) { v.Probe = config.ByDirector }))
	in := base(doc, strings.Split(cDown, ", ")...)
	if got := Decide(in); len(got.Probes) != 3 || inTable(in) != "ab" {
		t.Errorf("the director: %d probes, %q get connections; want 3 and ab", len(got.Probes), inTable(in))
	}
	in.Mandate, in.Health = Mandate{}, health.View{}
	in.Others.Director = sights(doc, cDown)[0]
	if got := Decide(in); len(got.Probes) != 0 || inTable(in) != "ab" {
		t.Errorf("standing by: %d probes, %q get connections; want none and ab", len(got.Probes), inTable(in))
	}
	in.Others = Others{}
	in.Observed = table80("10.0.0.1:80 1", "10.0.0.3:80 1")
	if got := inTable(in); got != "ac" {
		t.Errorf("standing by, and the director was not heard: %q get connections, want what the table had", got)
	}
	if s := SightOf(doc, in.Health); len(s.Virtuals)+len(s.NotUp) > 0 {
		t.Errorf("who does not probe sees %+v", s)
	}
}

// Sorry servers go with the director's word as servers do, so that who takes over has the one that answers; they count among nobody's
// servers.
func TestDirectorProbesSorryServers(t *testing.T) {
	v := with(sorry(web("a"), "sorry", "other"), func(v *config.Virtual) { v.Probe = config.ByDirector })
	said := func(words ...string) Sight {
		text, err := json.Marshal(SightOf(document(v), verdicts(document(v), words...)))
		if err != nil {
			t.Fatal(err)
		}
		var out Sight
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	s := newSeries(v)
	for _, tt := range []struct {
		director []string
		want     string
	}{
		{[]string{"web/a up", "web/sorry up", "web/other up"}, "a 1"},
		{[]string{"web/a down", "web/sorry down", "web/other up"}, "other 1 (down: 0 of 1 needed, the sorry server answers)"},
		{[]string{"web/a down", "web/sorry up", "web/other down"}, "sorry 1 (down: 0 of 1 needed, the sorry server answers)"},
		{nil, "sorry 1 (down: 0 of 1 needed, the sorry server answers)"}, // unheard: what the table has stands
		{[]string{"web/a up", "web/sorry up", "web/other x"}, "a 1, sorry 0"},
	} {
		s.in.Others.Director = said(tt.director...)
		if tt.director == nil {
			s.in.Others.Director = Sight{}
		}
		if got := s.pass(); got != tt.want {
			t.Errorf("the director says %q: %s, want %s", tt.director, got, tt.want)
		}
	}
	if n := len(Decide(s.in).Probes); n != 0 {
		t.Errorf("standing by it probes %d servers", n)
	}
	s.in.Mandate = mandate(3, 5*time.Second)
	if n := len(Decide(s.in).Probes); n != 3 {
		t.Errorf("the director probes %d servers, want all 3", n)
	}
	if seen := said("web/a up", "web/sorry down", "web/other up").Virtuals; len(seen) != 1 || seen[0].Up != 1 || seen[0].Down != 0 {
		t.Errorf("sorry servers count among the others: %+v", seen)
	}
}

// A virtual that every router probes follows this router's eyes, though another asks the same servers by the director alone.
func TestOwnEyesBeforeTheDirectors(t *testing.T) {
	doc := document(web("a", "b", "c"), with(web("a", "b", "c"), func(v *config.Virtual) {
		v.Name, v.Ports, v.Probe = "other", []uint16{81}, config.ByDirector
	}))
	in := base(doc, "web/a up", "web/b up", "web/c up")
	in.Mandate = Mandate{}
	in.Others.Director = sights(doc, cDown)[0]
	if got := inTable(in); got != "abcabc" {
		t.Errorf("%q get connections, want every server of both", got)
	}
}

// A sight counts all and names what is not up, up to a bound; beyond it nothing is said of those that are not named.
func TestSight(t *testing.T) {
	doc := document(web("a", "b", "c"))
	s := SightOf(doc, verdicts(doc, strings.Split(cDown, ", ")...))
	if want := (Seen{Virtual: "web", Asks: s.Virtuals[0].Asks, Up: 2, Down: 1}); !reflect.DeepEqual(s.Virtuals, []Seen{want}) || len(s.NotUp) != 1 || s.Cut {
		t.Errorf("got %+v", s)
	}
	var names []string
	for i := range 250 {
		names = append(names, fmt.Sprint("s", i))
	}
	big := document(web(names...), with(web(names...), func(v *config.Virtual) { v.Name, v.Check.Port = "more", 81 }))
	view := make(health.View)
	for _, v := range big.Virtuals {
		for _, key := range targetsOf(v) {
			view[key] = health.Status{State: health.Down, Reason: strings.Repeat("x", 1000)}
		}
	}
	s = SightOf(big, view)
	if len(s.NotUp) != mostVerdicts || !s.Cut || s.Virtuals[1].Down != 250 || len(s.NotUp[0].Reason) != longestReason {
		t.Errorf("%d named, cut %v, %+v", len(s.NotUp), s.Cut, s.Virtuals)
	}
	said := NewSights(s).Of(big.Virtuals[1])
	if first, last := said["s0"][0].State, said["s249"][0].State; first != health.Down || last != health.Unknown {
		t.Errorf("the first is %v, the last %v; want down and unknown", first, last)
	}
}
