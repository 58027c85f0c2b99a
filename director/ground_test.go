package director

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/health"
)

// seen is the view before it with what came of probes just now, one letter for each of web's servers: + up, ! up and it did not answer this
// time, - down and silent, x down and it refuses, . not asked.
func seen(doc config.Document, before health.View, now time.Time, words string) health.View {
	const took = 100 * time.Millisecond
	out := make(health.View)
	for i, key := range targetsOf(doc.Virtuals[0]) {
		st, was := before[key], before[key].State
		switch words[i] {
		case '+':
			st.State, st.Heard, st.Silent = health.Up, now, time.Time{}
		case '-':
			st.State = health.Down
			if was != health.Down {
				st.Silent = now.Add(-took)
			}
		case 'x':
			st.State, st.Heard, st.Silent = health.Down, now, time.Time{}
		}
		if words[i] != '.' {
			st.Last, st.Took = now, took
		}
		if st.State != was {
			st.Since = now
		}
		out[key] = st
	}
	return out
}

// A router that was cut off goes by what it found meanwhile until it has asked again, as far as it is not told better: what answered before
// is up, what was down before is not. And as it is being cut off, the first servers that fall silent do not go before the last.
func TestCameBackFromBeingCutOff(t *testing.T) {
	began := time.Unix(1000, 0)
	type look struct {
		at     int    // seconds
		own    string // as in seen
		others string // likewise; none: nobody is heard
		link   bool   // is up
		want   string
	}
	for _, tt := range []struct {
		name  string
		looks []look
	}{
		{"asked again one by one", []look{
			{10, "+++", "", true, "abc"}, {20, "!-!", "", true, "ac"}, {21, "---", "", true, ""}, {30, "-+-", "", true, "abc"}, {31, "++.", "", true, "abc"}, {32, "..+", "", true, "abc"}}},
		{"one was down before", []look{
			{10, "++-", "", true, "ab"}, {12, "++-", "", true, "ab"}, {20, "---", "", true, ""}, {30, "-+-", "", true, "ab"}}},
		{"one fails still", []look{
			{10, "+++", "", true, "abc"}, {20, "---", "", true, ""}, {30, "+..", "", true, "abc"}, {31, ".-.", "", true, "ac"}, {32, "..-", "", true, "a"}}},
		{"the others know better", []look{
			{10, "+++", "++-", true, "abc"}, {20, "---", "++-", true, "ab"}, {30, "+..", "++-", true, "ab"}, {31, ".-.", "++-", true, "a"}}},
		{"all of one were down for everybody", []look{
			{10, "+++", "+++", true, "abc"}, {20, "---", "---", true, ""}, {30, "+..", "+--", true, "a"}}},
		{"the link was down", []look{
			{10, "+++", "", true, "abc"}, {20, "-!-", "", false, "abc"}, {30, ".+.", "", true, "abc"}, {31, "-..", "", true, "bc"}}},
		{"all refused", []look{
			{10, "+++", "", true, "abc"}, {20, "xxx", "", true, ""}, {21, "xxx", "", true, ""}, {30, "+..", "", true, "a"}}},
		{"twice", []look{
			{10, "+++", "", true, "abc"}, {20, "---", "", true, ""}, {30, "+++", "", true, "abc"}, {40, "++-", "", true, "ab"}, {41, "++-", "", true, "ab"}, {50, "---", "", true, ""}, {60, "+..", "", true, "ab"}, {66, "-..", "", true, ""}}},
		{"cut off, and one is asked first", []look{
			{10, "+++", "+++", true, "abc"}, {20, "!-!", "+++", true, "abc"}, {21, "-..", "+++", true, "abc"}, {22, "..-", "+++", true, "abc"}}},
		{"one falls silent", []look{
			{10, "+++", "+++", true, "abc"}, {20, ".-.", "+++", true, "abc"}, {21, "..+", "+++", true, "ac"}, {25, "!-!", "+++", true, "ac"}}},
		{"one falls silent for everybody", []look{
			{10, "+++", "+++", true, "abc"}, {20, ".-.", "+-+", true, "ac"}}},
		{"one falls silent, and nobody is heard", []look{
			{10, "+++", "", true, "abc"}, {20, ".-.", "", true, "ac"}}},
		{"one falls silent, and another refuses", []look{
			{10, "+++", "+++", true, "abc"}, {20, ".-.", "+++", true, "abc"}, {21, "..x", "++-", true, "a"}}},
		{"one refuses", []look{
			{10, "+++", "+++", true, "abc"}, {20, ".x.", "+++", true, "ac"}}},
		{"one is silent and then refuses", []look{
			{10, "+++", "+++", true, "abc"}, {20, ".-.", "+++", true, "abc"}, {21, ".x.", "+++", true, "ac"}}},
	} {
		doc := document(web("a", "b", "c"))
		in := base(doc, strings.Split(allUp, ", ")...)
		in.Health = nil
		for i, l := range tt.looks {
			in.Now = began.Add(time.Duration(l.at) * time.Second)
			in.Running = in.Now.Sub(began)
			in.Health = seen(doc, in.Health, in.Now.Add(-time.Millisecond), l.own)
			in.Links[1].Up = l.link
			in.Others = Others{}
			if l.others != "" {
				in.Others.Sights = []Sight{SightOf(doc, seen(doc, nil, in.Now, l.others))}
			}
			if got := inTable(in); got != l.want {
				t.Errorf("%s: look %d, %q: %q get connections, want %q", tt.name, i+1, l.own, got, l.want)
			}
			want := Decide(in)
			in.Spared, in.Grounds, in.Pools = want.Spared, want.Grounds, want.Pools
		}
	}
}

// While a link to servers may be what failed, the kernel forgets no connection: until a pass after somebody behind it was heard and those
// that fell silent were asked again, for two minutes at most, and no longer than for a turn where others take connections.
func TestConnectionsOutlastALink(t *testing.T) {
	elsewhere := func(v *config.Virtual) { v.Servers[2].Address = netip.MustParseAddrPort("192.0.2.77:80") } // by eth0
	for _, tt := range []struct {
		name  string
		looks []string // the second and what is seen then
		want  string   // the setting after each look
		with  func(*config.Virtual)
	}{
		{"one falls silent, and one is heard", []string{"10 +++", "20 .-.", "21 +..", "22 ...", "23 ..."}, "10011", nil},
		{"one falls silent while others are heard", []string{"10 +++", "20 +-+", "30 +-+"}, "111", nil},
		{"one refuses", []string{"10 +++", "20 .x."}, "11", nil},
		{"all are silent, and come back", []string{"10 +++", "20 ---", "60 ---", "61 +..", "62 .+.", "63 ..+", "64 ..."}, "1000001", nil},
		{"all are silent for good", []string{"10 +++", "20 ---", "139 ---", "140 ---", "141 ---", "900 ---"}, "100011", nil},
		{"all are silent, and one refuses", []string{"10 +++", "20 ---", "21 .x.", "22 ..."}, "1001", nil},
		{"all behind one link are silent", []string{"10 +++", "20 .-.", "21 -.+", "22 ..+", "23 ..+"}, "10011", elsewhere},
		{"and the other then too", []string{"10 +++", "20 --+", "21 --+", "30 ---", "31 ---"}, "11100", elsewhere},
		{"and they come back", []string{"10 +++", "20 --+", "21 --+", "30 +.+", "31 ..+", "32 .+.", "33 ...", "34 ..."}, "11100011", elsewhere},
		{"all are silent, with a sorry server", []string{"10 +++", "20 ---", "21 ---"}, "111", func(v *config.Virtual) { *v = sorry(*v, "sorry") }},
	} {
		v := web("a", "b", "c")
		if tt.with != nil {
			v = with(v, tt.with)
		}
		doc := document(v)
		in := base(doc)
		var got string
		for _, look := range tt.looks {
			second, words, _ := strings.Cut(look, " ")
			n, err := strconv.Atoi(second)
			if err != nil {
				t.Fatal(err)
			}
			in.Now = time.Unix(int64(1000+n), 0)
			in.Health = seen(doc, in.Health, in.Now, words)
			want := Decide(in)
			if value := want.Sysctls[expireOrphans].Value; value == "0" && !want.Hushed && want.Again != doubt {
				t.Errorf("%s: after %q the next pass is due in %v, want %v", tt.name, look, want.Again, doubt)
			} else {
				got += value
			}
			in.Grounds, in.Pools, in.Hushed = want.Grounds, want.Pools, want.Hushed
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// While a server counts as up that was not asked, the next pass comes soon: no verdict changes when it does not answer.
func TestUnaskedIsLookedAtSoon(t *testing.T) {
	doc := document(web("a", "b"))
	now := time.Unix(1000, 0)
	in := base(doc, "web/a up", "web/b down")
	in.Now = now
	key := targetsOf(doc.Virtuals[0])[1]
	for _, tt := range []struct {
		last time.Time // when b was asked
		want time.Duration
	}{{now.Add(-2 * time.Second), doubt}, {now, 0}} {
		in.Health[key] = health.Status{State: health.Down, Since: now.Add(-5 * time.Second), Last: tt.last}
		in.Grounds = Grounds{"eth1": {Left: now.Add(-10 * time.Second), Back: now.Add(-time.Second)}}
		if got := Decide(in).Again; got != tt.want {
			t.Errorf("asked %v ago: the next pass is due in %v, want %v", now.Sub(tt.last), got, tt.want)
		}
	}
	local := with(web("a", "b"), func(v *config.Virtual) { v.Servers[1].Forward = config.Local })
	in.State.Document = document(local)
	in.Health[key] = health.Status{State: health.Down, Since: now.Add(-5 * time.Second), Last: now.Add(-2 * time.Second)}
	if got := inTable(in); got != "a" {
		t.Errorf("a server on this router is behind no link: %q get connections", got)
	}
}
