package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"polso/fsm"
)

// largeText is a document of so many servers, ten a virtual.
func largeText(servers int) string {
	var b strings.Builder
	for i := range servers / 10 {
		fmt.Fprintf(&b, "virtual \"v%d\" {\n  address = \"192.0.%d.%d\"\n  port    = 80\n\n", i, i/250, i%250+1)
		for j := range 10 {
			fmt.Fprintf(&b, "  server \"s%d\" {\n    address = \"10.%d.%d.%d\"\n    weight  = 1\n  }\n", j, i/250, i%250, j+1)
		}
		b.WriteString("}\n\n")
	}
	return b.String()
}

// A text of ten thousand servers is written on, planned and applied by pages that a browser gets through; a single mistake in it is found.
func TestLargeText(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	text := largeText(10_000)
	b := newBackend(t)
	v := b.visitor(t, fsm.Operator)
	timed := func(what string, ask func() shown) shown {
		began := time.Now()
		got := ask()
		t.Logf("%s: %v, %d KiB", what, time.Since(began).Round(time.Millisecond), len(got.text)>>10)
		return got
	}
	form := sent(t, v.get("/changes/edit").text, "/changes/plan", "plan")
	form.Set("text", text)
	plan := timed("plan of all", func() shown { return v.post("/changes/plan", form) })
	plan.shows(t, 200, "And 10500 more", "Apply</button>")
	if len(plan.text) > 3<<20 {
		t.Errorf("the plan has %d KiB", len(plan.text)>>10)
	}
	if got := timed("apply", func() shown { return v.post("/changes/plan", sent(t, plan.text, "/changes/plan", "apply")) }); got.code != 303 {
		t.Fatalf("%d", got.code)
	}
	page := timed("edit", func() shown { return v.get("/changes/edit") })
	form = sent(t, page.text, "/changes/plan", "check")
	if strings.ReplaceAll(form.Get("text"), "\r\n", "\n") != text {
		t.Fatal("the text is another")
	}
	form.Set("text", strings.Replace(form.Get("text"), "weight  = 1\r\n  }\r\n}\r\n\r\nvirtual \"v999\"", "weight  = one\r\n  }\r\n}\r\n\r\nvirtual \"v999\"", 1))
	wrong := timed("check", func() shown { return v.post("/changes/plan", form) })
	before, _, _ := strings.Cut(form.Get("text"), "one")
	wrong.shows(t, 422, fmt.Sprintf("Line %d, column 15", strings.Count(before, "\n")+1), "1 mistake;")
	timed("changes", func() shown { return v.get("/changes") }).shows(t, 200, "11000 to add")
}
