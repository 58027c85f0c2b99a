package web

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"polso/api"
	"polso/fsm"
)

// watched is a router whose cluster changes while pages look at it.
type watched struct {
	*backend

	mu    sync.Mutex // guards below
	st    api.Status
	list  []api.Virtual
	asked int
	fail  error
}

// newWatched is r1, where another leads and answers for the cluster.
func newWatched(t testing.TB) *watched {
	return &watched{backend: newBackend(t), st: api.Status{
		Cluster: "edge", Node: "r2", Formed: true, Revision: 3, Active: "r1", Health: api.Healthy,
		VIPs: []api.VIP{{Address: "192.0.2.10", Held: true, On: "r1"}},
		Members: []api.Member{
			{Name: "r1", Addresses: []string{"10.9.0.11:5390"}, Kind: fsm.Router, Raft: "leader", State: "up"},
			{Name: "r2", Addresses: []string{"10.9.0.12:5390"}, Kind: fsm.Router, Raft: "follower", State: "up", Contact: 0.04},
			{Name: "w", Addresses: []string{"10.9.0.13:5390"}, Kind: fsm.Witness, Raft: "follower", State: "up"},
		},
	}, list: []api.Virtual{{Name: "web", State: "up", Servers: []api.Server{{Name: "a", State: "up", Weight: 2, EffectiveWeight: 1, Active: 7}, {Name: "b", State: "down"}}}}}
}

func (w *watched) Status(context.Context, api.Detail) (api.Status, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	return w.st, w.fail
}

func (w *watched) Local(api.Detail) api.Status {
	return api.Status{Node: "r1", Formed: true, Health: api.Down}
}

func (w *watched) Virtuals(_ context.Context, r api.VirtualsRequest) (api.Virtuals, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := api.Virtuals{Virtuals: []api.ListedVirtual{}}
	for _, v := range w.list[min(r.Offset, len(w.list)):] {
		out.Virtuals = append(out.Virtuals, api.Listed(v))
	}
	return out, nil
}

func (w *watched) change(edit func(*watched)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	edit(w)
}

// heardPage is what a page is sent.
type heardPage struct {
	mu     sync.Mutex // guards below
	text   strings.Builder
	code   int
	header http.Header
}

func (t *heardPage) Header() http.Header { return t.header }

func (t *heardPage) WriteHeader(code int) { t.code = code }

func (t *heardPage) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(b)
}

func (t *heardPage) Flush() {}

// take is what came since it was last taken, events by lines.
func (t *heardPage) take() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.text.String()
	t.text.Reset()
	return strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(out), "\ndata: ", " "), "\n\n", "\n")
}

// open opens a page's stream; close is the page's end.
func (w *watched) open(t *testing.T, site http.Handler, page string) (to *heardPage, closed func()) {
	ctx, cancel := context.WithCancel(api.WithCaller(t.Context(), api.Caller{Actor: fsm.Actor{Kind: "user", Name: "alice"}, Role: fsm.Viewer}))
	to = &heardPage{header: http.Header{}}
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/live?page="+page, nil)
	r.Host = "r1.example:3636"
	go site.ServeHTTP(to, r)
	synctest.Wait()
	return to, cancel
}

// An open page is told what differs, once, and to make itself anew when there is something else to see.
func TestLive(t *testing.T) {
	w := newWatched(t)
	site := newSite(t, api.New(w, api.Version{}))
	synctest.Test(t, func(t *testing.T) {
		page, closed := w.open(t, site, "/virtuals")
		defer closed()
		first := page.take()
		for _, want := range []string{
			`"node":"r1"`, `{"name":"r2","urls":["https://10.9.0.12:3636"]}]`, `"health":"good ● HEALTHY"`, `"revision":"3"`, `"vip/192.0.2.10/on":"r1"`,
			`"member/r2/contact":"40ms"`, `"member/r1/contact":"-"`, `"v/web/servers":"1/2"`, `"s/web/a/weight":"2 (1 now)"`, `"s/web/b/state":"bad ○ DOWN"`,
		} {
			if !strings.Contains(first, want) {
				t.Errorf("%s is not in\n%s", want, first)
			}
		}
		second := func() string { time.Sleep(time.Second); synctest.Wait(); return page.take() }
		if got := second(); got != "" {
			t.Errorf("nothing differs, and it is told %q", got)
		}
		if got := second(); got != "event: beat {}" {
			t.Errorf("after two seconds of silence: %q", got)
		}
		w.change(func(w *watched) { w.list[0].Servers[0].Active = 9 })
		if got := second(); got != `event: values {"s/web/a/active":"9","v/web/active":"9"}` {
			t.Errorf("told %q", got)
		}
		w.change(func(w *watched) { w.st.Active = "r2" })
		if got := second(); !strings.HasPrefix(got, "event: reload") || strings.Contains(got, "\n") {
			t.Errorf("another directs: %q", got)
		}
		w.change(func(w *watched) { w.fail = api.Errorf(api.CodeNoLeader, "no leader") })
		if got := second(); !strings.HasPrefix(got, "event: reload") {
			t.Errorf("nobody leads: %q", got)
		}
		w.change(func(w *watched) { w.fail = nil })
		second()
		time.Sleep(liveFor)
		synctest.Wait()
		if got := page.take(); !strings.HasSuffix(got, "event: again {}") {
			t.Errorf("its time is over: %q", got)
		}
	})
}

// However many look at the same, the router looks once a second, and not at all when nobody does.
func TestLiveLooksOnce(t *testing.T) {
	w := newWatched(t)
	site := newSite(t, api.New(w, api.Version{}))
	synctest.Test(t, func(t *testing.T) {
		var ends []func()
		for range 20 {
			_, closed := w.open(t, site, "/virtuals")
			ends = append(ends, closed)
		}
		asked := func() int { w.mu.Lock(); defer w.mu.Unlock(); n := w.asked; w.asked = 0; return n }
		asked()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := asked(); n < 9 || n > 11 {
			t.Errorf("looked %d times in ten seconds", n)
		}
		for _, end := range ends {
			end()
		}
		synctest.Wait()
		asked()
		time.Sleep(10 * time.Second)
		if n := asked(); n != 0 {
			t.Errorf("nobody looks, and the router looked %d times", n)
		}
	})
}

// A page is told of what is on it.
func TestScope(t *testing.T) {
	for page, want := range map[string]string{
		"/redundancy":                      `"" {Q: State: Offset:0 Limit:0 Local:false}`,
		"/virtuals":                        `{Q: State: Offset:0 Limit:50 Servers:true Local:false}`,
		"/virtuals?q=we&state=down&page=3": `{Q:we State:down Offset:100 Limit:50 Servers:true Local:false}`,
		"/virtuals?state=odd&page=-1":      `{Q: State: Offset:0 Limit:50 Servers:true Local:false}`,
		"/virtuals/web?page=2":             `"web" {Q: State: Offset:100 Limit:100 Local:false}`,
		"/virtuals/web/servers/a":          `"web" {Q:a State: Offset:0 Limit:100 Local:false}`,
		"/virtuals/add":                    `"" {Q: State: Offset:0 Limit:0 Local:false}`,
	} {
		sc, err := scopeOf(page)
		if got := sc.key(); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", page, got, err, want)
		}
	}
	for _, page := range []string{"", "virtuals", "https://elsewhere.example", "/" + strings.Repeat("a", 2000), "/%zz"} {
		if sc, err := scopeOf(page); err == nil {
			t.Errorf("%.30q: %+v", page, sc)
		}
	}
}

// Streams are bounded.
func TestLiveIsBounded(t *testing.T) {
	h := &hub{scenes: make(map[string]*scene)}
	var leave func()
	for range liveStreams {
		_, l, ok := h.enter(scope{})
		if !ok {
			t.Fatal("refused too early")
		}
		leave = l
	}
	if _, _, ok := h.enter(scope{}); ok {
		t.Error("one more was let in")
	}
	leave()
	if _, _, ok := h.enter(scope{}); !ok {
		t.Error("one has gone, and nobody is let in")
	}
}

var (
	placeOfKey = regexp.MustCompile(`data-k="([^"]*)"`)
	serverKey  = regexp.MustCompile(`^\{\{[^}]*\.Key\}\}`)
	anyName    = regexp.MustCompile(`\{\{[^}]*\}\}`)
)

// Every place of a page that is to be live has a key that is told.
func TestEveryKeyIsTold(t *testing.T) {
	v := api.ListedVirtual{Virtual: api.Virtual{Name: "*", Servers: []api.Server{{Name: "*"}}}}
	st := api.Status{VIPs: []api.VIP{{Address: "*"}}, Members: []api.Member{{Name: "*"}}}
	known := frameValues(st)
	for k, text := range virtualValues(v, v.Servers) {
		known[k] = text
	}
	files, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		text, err := fs.ReadFile(templates, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range placeOfKey.FindAllStringSubmatch(string(text), -1) {
			n++
			key := anyName.ReplaceAllString(serverKey.ReplaceAllString(found[1], "s/*/*"), "*")
			if _, ok := known[key]; !ok {
				t.Errorf("%s: nobody tells of %s (%s)", file, found[1], key)
			}
		}
	}
	if n < 10 {
		t.Errorf("only %s found: does the pattern fit?", fmt.Sprint(n))
	}
}
