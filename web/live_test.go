package web

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
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
	out.States = map[string]int{}
	for _, v := range w.list[min(r.Offset, len(w.list)):] {
		out.States[v.State]++
		if len(r.Names) == 0 || slices.Contains(r.Names, v.Name) {
			out.Virtuals = append(out.Virtuals, api.Listed(v))
		}
	}
	return out, nil
}

func (w *watched) Virtual(_ context.Context, r api.VirtualRequest) (api.VirtualPage, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := api.VirtualPage{Virtual: api.Listed(w.list[0])}
	all := slices.DeleteFunc(slices.Clone(w.list[0].Servers), func(s api.Server) bool { return !strings.Contains(s.Name, r.Q) })
	from := min(r.Offset, len(all))
	out.Total, out.Virtual.Servers = len(all), all[from:min(from+r.Limit, len(all))]
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

// The first page is told of the virtuals that it names, wherever they stand among all, and made anew when another is to be shown.
func TestLiveOfTheFirstPage(t *testing.T) {
	w := newWatched(t)
	w.list = nil
	for i := range 1000 {
		w.list = append(w.list, api.Virtual{Name: fmt.Sprintf("v%d", i), State: "up"})
	}
	site := newSite(t, api.New(w, api.Version{}))
	synctest.Test(t, func(t *testing.T) {
		page, closed := w.open(t, site, "/monitoring&name=v999&name=v7")
		defer closed()
		if first := page.take(); !strings.Contains(first, `"v/v999/cps":"0"`) || !strings.Contains(first, `"v/v7/cps":"0"`) || strings.Contains(first, "v/v8/") {
			t.Errorf("first told %s", first)
		}
		second := func() string { time.Sleep(time.Second); synctest.Wait(); return page.take() }
		w.change(func(w *watched) { w.list[999].Rates.Connections, w.list[8].Rates.Connections = 5, 6 })
		if got := second(); got != `event: values {"v/v999/cps":"5"}` {
			t.Errorf("told %q", got)
		}
		w.change(func(w *watched) { w.list[8].State = "down" })
		if got := second(); !strings.HasPrefix(got, "event: reload") {
			t.Errorf("one that it does not show is down: %q", got)
		}
	})
}

// What is live of a server has a place of its own, whatever others are called, and a page behind the last is told of the last, which is shown.
func TestLiveOfManyServers(t *testing.T) {
	w := newWatched(t)
	web := api.Virtual{Name: "web", State: "up"}
	for i := range 104 {
		web.Servers = append(web.Servers, api.Server{Name: fmt.Sprintf("a%d", i), Address: "10.0.0.1", Port: 80, State: "up", Active: 1})
	}
	web.Servers = append(web.Servers, api.Server{Name: "a103", Address: "10.0.0.9", Port: 80, Sorry: true, State: "up", Active: 2},
		api.Server{Name: "a103", Address: "10.0.0.7", Port: 80, State: "leaving", Active: 3}, api.Server{Name: "a103", Address: "10.0.0.8", Port: 80, State: "leaving", Active: 4})
	w.list = []api.Virtual{web}
	h := api.New(w, api.Version{})
	site := newSite(t, h)
	synctest.Test(t, func(t *testing.T) {
		for _, address := range []string{"/virtuals/web?page=2", "/virtuals/web?page=9"} {
			shown := visitor{t, site, fsm.Viewer}.get(address)
			page, closed := w.open(t, site, url.QueryEscape(address))
			told := page.take()
			closed()
			for key, active := range map[string]string{"s/web/a103": "1", "sorry/web/a103": "2", "leaving/web/a103/10.0.0.7:80": "3", "leaving/web/a103/10.0.0.8:80": "4"} {
				if want := fmt.Sprintf(`"%s/active":"%s"`, key, active); !strings.Contains(told, want) {
					t.Errorf("%s: %s is not told", address, want)
				}
				if want := fmt.Sprintf(`data-k="%s/active">%s<`, key, active); !strings.Contains(shown.text, want) {
					t.Errorf("%s: %s is not shown", address, want)
				}
			}
			if strings.Contains(told, "s/web/a99/") {
				t.Errorf("%s: told of another page's", address)
			}
		}
		page, closed := w.open(t, site, "/virtuals/web/servers/a10")
		defer closed()
		if told := page.take(); !strings.Contains(told, "s/web/a10/") || strings.Contains(told, "s/web/a100/") {
			t.Errorf("one server's page is told %s", told)
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
		"/redundancy":                      `"" {Q: State: Offset:0 Limit:0 Local:false} ""`,
		"/virtuals":                        `{Q: State: Names:[] Order: Reverse:false Offset:0 Limit:25 Servers:true Local:false}`,
		"/virtuals?q=we&state=down&page=3": `{Q:we State:down Names:[] Order: Reverse:false Offset:50 Limit:25 Servers:true Local:false}`,
		"/virtuals?state=odd&page=-1":      `{Q: State: Names:[] Order: Reverse:false Offset:0 Limit:25 Servers:true Local:false}`,
		"/virtuals/web?page=2":             `"web" {Q: State: Offset:100 Limit:100 Local:false} ""`,
		"/virtuals/web/servers/a":          `"web" {Q:a State: Offset:0 Limit:10000 Local:false} "a"`,
		"/virtuals/add":                    `"" {Q: State: Offset:0 Limit:0 Local:false} ""`,
	} {
		sc, err := scopeOf(page, nil)
		if got := sc.key(); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", page, got, err, want)
		}
	}
	names := strings.Split("a b c d e f g h i j k l m", " ")
	if sc, err := scopeOf("/monitoring", names); err != nil || len(sc.virtuals.Names) != busiestShown || sc.virtuals.Limit != busiestShown {
		t.Errorf("the first page: %s, %v", sc.key(), err)
	}
	for _, page := range []string{"", "virtuals", "https://elsewhere.example", "/" + strings.Repeat("a", 2000), "/%zz"} {
		if sc, err := scopeOf(page, nil); err == nil {
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
