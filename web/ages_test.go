package web

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"time"

	"polso/fsm"
)

// Where a page says how long ago something was, its script finds the time to count on from, and reads the same words without it.
func TestAgesTick(t *testing.T) {
	c := newCluster(t)
	v := c.visit(t, fsm.Admin)
	at := c.status.LastFailover.At
	days := fmt.Sprintf("%dd", int(time.Since(at).Hours())/24)
	ticking := func(age string) string {
		return fmt.Sprintf(`<time datetime="%s" data-since="%s">%s</time>`, at.Format(time.RFC3339), at.Format("2006-01-02T15:04:05.000Z07:00"), age)
	}
	for page, want := range map[string][]string{
		"/monitoring": {`<strong>r1</strong>, since ` + ticking(days) + ` (<time datetime="`, `last ` + ticking(days) + ` ago. Find`,
			`<td class="when">` + ticking(days) + ` ago</td>`, `<td class="when">-</td>`},
		"/redundancy": {`drained by bob, ` + ticking(days) + ` ago, until `, `<td class="num">` + ticking(days) + `</td>`, `<td class="num">-</td>`},
	} {
		got := v.get(page)
		got.shows(t, 200, want...)
		clock := regexp.MustCompile(`<html lang="en" data-now="([^"]+)">`).FindStringSubmatch(got.text)
		if clock == nil {
			t.Fatalf("%s does not say what the router's clock says", page)
		}
		if now, err := time.Parse(time.RFC3339, clock[1]); err != nil || time.Since(now) < 0 || time.Since(now) > time.Minute {
			t.Errorf("%s: the router's clock says %s, %v", page, clock[1], err)
		}
	}
}

// Every age that a template has is one that ticks.
func TestEveryAgeTicks(t *testing.T) {
	files, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	ago := regexp.MustCompile(`\{\{-?\s*ago\b`)
	n := 0
	for _, file := range files {
		text, err := fs.ReadFile(templates, file)
		if err != nil {
			t.Fatal(err)
		}
		n += strings.Count(string(text), `{{template "since" `)
		for _, place := range ago.FindAllIndex(text, -1) {
			if line, _, _ := strings.Cut(string(text[strings.LastIndexByte(string(text[:place[0]]), '\n')+1:]), "\n"); !strings.HasPrefix(line, `{{define "since"}}`) {
				t.Errorf("%s: an age that stands still: %s", file, line)
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d found: does the pattern fit?", n)
	}
}
