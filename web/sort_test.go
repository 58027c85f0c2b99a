package web

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"polso/api"
	"polso/fsm"
)

// The heads of the tables are links: to the order, to the other way round of what it is in, and without the page that was looked at.
// What is searched for, and the order on the other pages, stay.
func TestSortedVirtuals(t *testing.T) {
	c := newCluster(t)
	asked := &listAsked{cluster: c}
	v := visitor{t, newSite(t, api.New(asked, api.Version{})), fsm.Viewer}
	page := v.get("/virtuals?q=w&page=2")
	page.shows(t, 200, `<th scope="col" aria-sort="ascending"><a class="sort" href="?q=w&amp;sort=-name">Name<span aria-hidden="true"> ▲</span></a></th>`,
		`<th scope="col"><a class="sort" href="?q=w&amp;sort=trouble">State</a></th>`, `<th scope="col" class="num"><a class="sort" href="?q=w&amp;sort=in">In</a></th>`)
	page.lacks(t, "data-names", `name="sort"`)
	page = v.get("/virtuals?sort=-connections&q=w")
	page.shows(t, 200, `<th scope="col" class="num" aria-sort="ascending"><a class="sort" href="?q=w&amp;sort=connections">Conn/s`, `data-names="name=`,
		`<input type="hidden" name="sort" value="-connections">`, "?page=2&amp;q=w&amp;sort=-connections")
	v.get("/virtuals?sort=connections").shows(t, 200, `aria-sort="descending"><a class="sort" href="?sort=-connections">Conn/s`)
	v.get("/virtuals?sort=-nonsense").shows(t, 200, `aria-sort="ascending"><a class="sort" href="?sort=-name">Name`)
	want := []string{"name false", "connections true", "connections false", "name false"}
	if got := strings.Join(asked.orders, ", "); got != strings.Join(want, ", ") {
		t.Errorf("asked for %s", got)
	}
}

// listAsked notes the orders that lists of virtuals are asked for in.
type listAsked struct {
	*cluster
	orders []string
}

func (l *listAsked) Virtuals(_ context.Context, r api.VirtualsRequest) (api.Virtuals, error) {
	l.orders = append(l.orders, fmt.Sprint(r.Order, " ", r.Reverse))
	one := api.Listed(api.Virtual{Name: "web", State: "up", Ports: []uint16{80}, Servers: []api.Server{}})
	return api.Virtuals{Schema: api.Schema, All: 60, Total: 60, Offset: r.Offset, States: map[string]int{"up": 60}, Virtuals: []api.ListedVirtual{one}}, nil
}

// Members are sorted by what a column shows.
func TestSortedMembers(t *testing.T) {
	c := newCluster(t)
	names := func(query string) string {
		page := c.visit(t, fsm.Viewer).get("/redundancy" + query)
		page.shows(t, 200)
		var out []string
		for _, m := range regexp.MustCompile(`data-k="member/(\w+)/state"`).FindAllStringSubmatch(page.text, -1) {
			out = append(out, m[1])
		}
		return strings.Join(out, " ")
	}
	whole := names("")
	for query, want := range map[string]string{"?sort=name": whole, "?sort=-name": backwards(whole), "?sort=nothing": whole} {
		if got := names(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if got := names("?sort=-kind"); !strings.HasPrefix(got, "w1 ") {
		t.Errorf("the witness first: %s", got)
	}
	for _, by := range []string{"state", "kind", "raft", "behind", "contact", "up"} {
		if got, back := names("?sort="+by), names("?sort=-"+by); got != backwards(back) || len(got) != len(whole) {
			t.Errorf("by %s: %s, the other way round %s", by, got, back)
		}
	}
}

func backwards(words string) string {
	list := strings.Fields(words)
	slices.Reverse(list)
	return strings.Join(list, " ")
}
