package web

import (
	"cmp"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"polso/api"
	"polso/config"
	"polso/events"
	"polso/fsm"
)

// backend is a router whose log is a slice: writes are applied by a real state machine.
type backend struct {
	api.Backend // what a test does not expect to be called panics

	fsm      *fsm.FSM
	index    uint64
	routers  []api.RouterPlan // what Foresee answers
	refuse   error            // what the next Propose answers
	tested   []api.NoticeTestRequest
	happened []events.Event // what Events answers
}

func (b *backend) Events(context.Context, api.EventsWanted) (api.Events, error) {
	return api.Events{Schema: api.Schema, Events: append([]events.Event{}, b.happened...), Silent: []api.Silent{}}, nil
}

// newBackend is one with a cluster and a blank document, revision 1.
func newBackend(t testing.TB) *backend {
	t.Helper()
	b := &backend{fsm: fsm.New(fsm.Options{})}
	blank, err := fsm.Blank()
	if err != nil {
		t.Fatal(err)
	}
	b.fsm.Hear(1, 1)
	_, err = b.Propose(t.Context(), fsm.Actor{Kind: "local", Name: "root"}, "found", &fsm.Found{
		Cluster:  fsm.Cluster{ID: "c1", Name: "edge", Profile: "lan", Generation: 1, CA: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"},
		Node:     fsm.Node{ID: "n1", Name: "r1", Kind: fsm.Router, Addresses: []string{"10.9.0.11:5390"}},
		Document: blank,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *backend) State(context.Context) (*fsm.Snapshot, error) { return b.fsm.Load(), nil }

func (b *backend) Propose(_ context.Context, by fsm.Actor, request string, c fsm.Command) (fsm.Result, error) {
	if err := b.refuse; err != nil {
		b.refuse = nil
		return fsm.Result{}, err
	}
	b.index++
	at := time.Date(2026, 11, 22, 10, 0, int(b.index), 0, time.UTC)
	data, err := fsm.Encode(fsm.Envelope{Request: request, Actor: by, At: at, Command: c})
	if err != nil {
		return fsm.Result{}, err
	}
	res, err := fsm.DecodeResult(b.fsm.Apply(&raft.Log{Index: b.index, Term: 1, Data: data}).([]byte))
	if err != nil {
		return fsm.Result{}, err
	}
	if r := res.Refusal; r != nil {
		code := map[fsm.Code]api.Code{fsm.CodeConflict: api.CodeConflict, fsm.CodeNotFound: api.CodeNotFound, fsm.CodeExists: api.CodeExists}[r.Code]
		return res, api.Errorf(cmp.Or(code, api.CodeInvalid), "%s", r.Text).WithHint("%s", r.Fix)
	}
	return res, nil
}

func (b *backend) Foresee(context.Context, config.Document, time.Time) ([]api.RouterPlan, error) {
	return b.routers, nil
}

func (b *backend) Status(context.Context, api.Detail) (api.Status, error) {
	return api.Status{Schema: api.Schema, Cluster: "edge", Node: "r1", Formed: true, Revision: b.fsm.Load().Revision, Health: api.Healthy, Confirm: api.ConfirmationOf(b.fsm.Load())}, nil
}

func (b *backend) Local(api.Detail) api.Status {
	return api.Status{Schema: api.Schema, Cluster: "edge", Node: "r1", Formed: true}
}

func (b *backend) TestNotice(_ context.Context, _ fsm.Actor, r api.NoticeTestRequest) (api.NoticeTest, error) {
	b.tested = append(b.tested, r)
	return api.NoticeTest{Schema: api.Schema, Notify: r.Notify, To: "command /bin/true", Results: []api.NoticeTried{
		{Router: "r1", Told: true, Seconds: 0.1, Answer: "exit status 0"}, {Router: "r2", Answer: "not reached", Hint: "is it up?"},
	}}, nil
}

// run has a document run, as somebody else did it.
func (b *backend) run(t testing.TB, text string) {
	t.Helper()
	doc, err := config.Load(config.File{Name: "t", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	set, err := fsm.NewSetDocument(doc)
	if err != nil {
		t.Fatal(err)
	}
	set.Source = text
	if _, err := b.Propose(t.Context(), fsm.Actor{Kind: "user", Name: "bob"}, fsm.NewRequest(), set); err != nil {
		t.Fatal(err)
	}
}

// visitor is somebody of a role who looks at the pages of a router.
type visitor struct {
	t    testing.TB
	site http.Handler
	role fsm.Role
}

func (b *backend) visitor(t *testing.T, role fsm.Role) visitor {
	return visitor{t, newSite(t, api.New(b, api.Version{})), role}
}

// page is what a visitor is shown.
type shown struct {
	code   int
	to     string // where it leads on to
	text   string
	header http.Header
}

func (v visitor) get(path string) shown {
	v.t.Helper()
	return v.do(httptest.NewRequest(http.MethodGet, path, nil))
}

func (v visitor) post(path string, form url.Values) shown {
	v.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(r)
}

func (v visitor) do(r *http.Request) shown {
	v.t.Helper()
	if v.role != "" {
		r = r.WithContext(api.WithCaller(r.Context(), api.Caller{Actor: fsm.Actor{Kind: "user", Name: "alice"}, Role: v.role}))
	}
	w := httptest.NewRecorder()
	v.site.ServeHTTP(w, r)
	return shown{w.Code, w.Header().Get("Location"), w.Body.String(), w.Header()}
}

// shows fails unless the page has all of that.
func (s shown) shows(t testing.TB, code int, words ...string) {
	t.Helper()
	if s.code != code {
		t.Fatalf("answer %d, want %d:\n%s", s.code, code, s.text)
	}
	for _, w := range words {
		if !strings.Contains(s.text, w) {
			t.Errorf("%q is not in\n%s", w, s.text)
		}
	}
}

// lacks fails if the page has any of that.
func (s shown) lacks(t testing.TB, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(s.text, w) {
			t.Errorf("%q is in\n%s", w, s.text)
		}
	}
}

// fields are the values of a page's hidden fields.
func (s shown) fields(t testing.TB) url.Values {
	t.Helper()
	out := url.Values{}
	for part := range strings.SplitSeq(s.text, `<input type="hidden" name="`) {
		name, rest, ok := strings.Cut(part, `" value="`)
		if value, _, closed := strings.Cut(rest, `">`); ok && closed && !strings.ContainsAny(name, " <") && !out.Has(name) {
			out.Set(name, value)
		}
	}
	return out
}
