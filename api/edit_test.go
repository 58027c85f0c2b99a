package api

import (
	"strings"
	"testing"

	"polso/config"
)

// An edit changes its part of the text alone, is based on what it edited, and says what is wrong with it.
func TestEdit(t *testing.T) {
	b := formed(t)
	c, ctx := serve(t, b), t.Context()
	if _, err := c.Apply(ctx, ApplyRequest{Files: []File{{"edge.hcl", "# ours\n" + webHCL}}}); err != nil {
		t.Fatal(err)
	}
	edit := func(e EditRequest) (Applied, error) {
		e.Kind = config.KindServer
		return c.Edit(ctx, e)
	}
	set := EditRequest{Verb: config.Set, Name: "web/a", Values: []string{"weight=7"}}
	done, err := edit(set)
	if err != nil || done.Before != 2 || done.Revision != 3 || done.Plan.Summary != "Plan: 0 to add, 1 to change, 0 to remove." {
		t.Fatalf("%+v, %v", done, err)
	}
	d, err := c.Document(ctx)
	if err != nil || !strings.HasPrefix(d.Source, "# ours\n") || !strings.Contains(d.Source, "weight  = 7") || d.Message != "set server web/a weight=7" {
		t.Errorf("%q (%s), %v", d.Source, d.Message, err)
	}
	if done, err := edit(set); err != nil || !done.Unchanged || done.Revision != 3 {
		t.Errorf("the same again: %+v, %v", done, err)
	}
	for _, test := range []struct {
		edit EditRequest
		code Code
		says string
	}{
		{EditRequest{Verb: config.Set, Name: "web/b", Values: []string{"weight=7"}}, CodeNotFound, "is not in the document"},
		{EditRequest{Verb: config.Add, Name: "web/a"}, CodeExists, "is in the document already"},
		{EditRequest{Verb: config.Set, Name: "web/a", Values: []string{"wieght=7"}}, CodeEdit, "did you mean"},
		{EditRequest{Verb: config.Set, Name: "a", Values: []string{"weight=7"}}, CodeEdit, "name its virtual too"},
		{EditRequest{Verb: config.Set, Name: "web/a", Values: []string{"weight=-7"}}, CodeInvalid, "<revision 3, edited>"},
		{EditRequest{Verb: config.Set, Name: "web/a", Values: []string{"weight=8"}, Base: 2}, CodeConflict, "revision 3 runs now"},
	} {
		_, err := edit(test.edit)
		e, ok := err.(*Error)
		if !ok || e.Code != test.code || !strings.Contains(e.Title+strings.Join(e.Problems, "\n"), test.says) {
			t.Errorf("%+v: %+v, want %s, %q", test.edit, err, test.code, test.says)
		}
	}
	r := request(New(b, Version{}), "POST", "/v1/document/edit", `{"verb": "move", "kind": "server"}`)
	if r.code != 422 {
		t.Errorf("an unknown verb: %+v", r)
	}
}
