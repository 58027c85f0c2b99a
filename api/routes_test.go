package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/fsm"
)

const webHCL = `virtual "web" {
  address = "192.0.2.10"
  port    = 80
  forward = "dr"
  server "a" {
    address = "10.0.0.1"
  }
}
`

// request asks as an admin.
func request(h http.Handler, method, path, body string) rawAnswer {
	return requestAs(fsm.Admin, h, method, path, body)
}

// requestAs asks as a user of that role, "" as nobody.
func requestAs(role fsm.Role, h http.Handler, method, path, body string) rawAnswer {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if role != "" {
		r = r.WithContext(WithCaller(r.Context(), Caller{Actor: fsm.Actor{Kind: fsm.ActorUser, Name: "ada"}, Role: role}))
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return rawAnswer{w.Code, w.Header().Get("Content-Type"), w.Body.String(), w.Header().Get("Location")}
}

// Every method of the client reaches the method of the backend that it is named after, with what it was given.
func TestRoutes(t *testing.T) {
	b := formed(t)
	c, ctx := serve(t, b), t.Context()
	files := []File{{Name: "edge.hcl", Text: webHCL}}
	for _, test := range []struct {
		name string
		call func() (any, error)
		note string // what the backend was asked; USER stands for who runs the test
		want string // of the answer, as it prints
	}{
		{"status", func() (any, error) { s, err := c.Status(ctx); return s.Node, err }, "status", "r1"},
		{"local", func() (any, error) { s, err := c.Local(ctx); return s.Node, err }, "local", "r1"},
		{"version", func() (any, error) { v, err := c.Version(ctx); return v.Version, err }, "", "1.2.3"},
		{"ipvs", func() (any, error) { v, err := c.IPVS(ctx, IPVSRequest{On: "r2", Layout: "rate"}); return v.Text, err }, "ipvs r2 rate", "layout rate"},
		{"local, in brief", func() (any, error) { s, err := c.BriefLocal(ctx); return s.Node, err }, "local", "r1"},
		{"another's status", func() (any, error) { s, err := c.BriefLocalOf(ctx, "r 2"); return s.Node, err }, "local r 2 true", "r 2"},
		{"connections", func() (any, error) {
			v, err := c.Connections(ctx, ConnectionsRequest{On: "r 2", Virtual: "web", Server: "a", Client: "198.51.100.0/24", State: "established", Limit: 7, Count: true, Engine: true})
			return v.Total, err
		}, "connections {On:r 2 Virtual:web Server:a Client:198.51.100.0/24 State:established Limit:7 Count:true Engine:true}", "7"},
		{"connections, all", func() (any, error) { v, err := c.Connections(ctx, ConnectionsRequest{}); return v.Total, err },
			"connections {On: Virtual: Server: Client: State: Limit:100 Count:false Engine:false}", "100"},
		{"stats", func() (any, error) {
			v, err := c.Stats(ctx, StatsRequest{On: "r2", Virtual: "web"})
			return v.Node, err
		}, "stats r2 web", "r2"},
		{"stats by processor", func() (any, error) { v, err := c.CPUStats(ctx, "r2"); return v.Node, err }, "cpu stats r2", "r2"},
		{"virtuals", func() (any, error) {
			v, err := c.Virtuals(ctx, VirtualsRequest{Q: "we b", State: "down", Names: []string{"a,b", "c"}, Order: ByTrouble, Reverse: true, Offset: 3, Limit: 7, Servers: true, Local: true})
			return v.Total, err
		}, "virtuals {Q:we b State:down Names:[a,b c] Order:trouble Reverse:true Offset:3 Limit:7 Servers:true Local:true}", "7"},
		{"virtuals, all", func() (any, error) { v, err := c.Virtuals(ctx, VirtualsRequest{}); return v.Total, err },
			"virtuals {Q: State: Names:[] Order:name Reverse:false Offset:0 Limit:50 Servers:false Local:false}", "50"},
		{"virtual", func() (any, error) {
			v, err := c.Virtual(ctx, "w/b", ServersRequest{Q: "a", State: "drain", Offset: 3})
			return v.Virtual.Name, err
		}, "virtual {Name:w/b ServersRequest:{Q:a State:drain Offset:3 Limit:100 Local:false}}", "w/b"},
		{"rates", func() (any, error) {
			v, err := c.Rates(ctx, HistoryRequest{Virtual: "w b", Span: "day", Since: 7, On: "r2"})
			return v.Node, err
		}, "history {Virtual:w b Span:day Since:7 On:r2}", "r1"},
		{"events", func() (any, error) {
			v, err := c.Events(ctx, EventsRequest{Since: "90m", After: "r1.aa.7", Kinds: []string{"role", "failover"}})
			return v.Node, err
		}, "events 1h30m0s r1.aa.7", "r1"},
		{"rates, all", func() (any, error) { v, err := c.Rates(ctx, HistoryRequest{}); return v.Node, err }, "history {Virtual: Span:hour Since:0 On:}", "r1"},
		{"check", func() (any, error) {
			v, err := c.RunCheck(ctx, CheckRequest{On: "r2", Virtual: "web", Server: "a", Steps: true})
			return fmt.Sprintf("%s %s", v.Node, v.Results[0].Steps[0].Bytes), err
		}, "check r2 web a", "r2 GET"},
		{"notify test", func() (any, error) {
			v, err := c.TestNotice(ctx, NoticeTestRequest{Notify: "pager", Router: "r2"})
			return v.Notify, err
		}, "notify USER pager r2\npropose local/USER tested_notice", "pager"},
		{"a test in the audit", func() (any, error) {
			list, err := c.Audit(ctx, AuditRequest{Count: 1})
			return list[0].Detail, err
		}, "", "notify pager was tested; told by r1; not told by r2"},
		{"debug", func() (any, error) { v, err := c.Debug(ctx); return string(v.Parts[0].Data), err }, "debug", "a line"},
		{"doctor", func() (any, error) { v, err := c.Doctor(ctx, "r2"); return v.Findings, err }, "doctor r2", "[{clock ok  }]"},
		{"announce", func() (any, error) {
			return result(c.Announce(ctx, AnnounceRequest{Addresses: []string{"192.0.2.10"}}))
		}, "announce 192.0.2.10", "[192.0.2.10]"},
		{"init", func() (any, error) {
			a, err := c.Init(ctx, InitRequest{Cluster: "edge", Advertise: []string{"10.9.0.11"}, Profile: "fast"})
			return a.Token, err
		}, "init USER edge fast", "POLSO-1-A-B"},
		{"join", func() (any, error) {
			a, err := c.Join(ctx, JoinRequest{Addresses: []string{"10.9.0.11"}, Token: "T", Advertise: []string{"10.9.0.12"}, Replace: "r3"})
			return a.Learner, err
		}, "join 10.9.0.11 T r3", "true"},
		{"leave", func() (any, error) { return result(c.Leave(ctx, LeaveRequest{})) }, "leave USER", "[left]"},
		{"rejoin", func() (any, error) {
			a, err := c.Rejoin(ctx, RejoinRequest{Addresses: []string{"10.9.0.11"}, Token: "T", Name: "r3"})
			return a.Aside, err
		}, "rejoin 10.9.0.11 T r3", "/d/aside-1"},
		{"recover", func() (any, error) {
			a, err := c.Recover(ctx, RecoverRequest{Cluster: "edge"})
			return a.GivenUp, err
		}, "recover USER edge", "[r2]"},
		{"remove, a name that needs quoting", func() (any, error) { return result(c.Remove(ctx, "r 3")) }, "remove USER r 3", "[removed]"},
		{"drain", func() (any, error) { return result(c.DrainRouter(ctx, "r1", DrainRequest{Reason: "why"})) }, "propose local/USER set_override",
			"[Router r1 is drained. Undo: polso undrain router r1]"},
		{"undrain", func() (any, error) { return result(c.UndrainRouter(ctx, "r1")) }, "propose local/USER clear_override", "[Router r1 may direct again.]"},
		{"certificates", func() (any, error) { p, err := c.Certificates(ctx); return p.Node, err }, "certificates", "r1"},
		{"rotate", func() (any, error) { return result(c.RotateCertificates(ctx, RotateRequest{All: true})) }, "rotate USER true false", "[rotated]"},
		{"profile", func() (any, error) { p, err := c.Profile(ctx); return p.Profile, err }, "profile", "lan"},
		{"set profile", func() (any, error) { return result(c.SetProfile(ctx, ProfileRequest{Profile: "wan"})) }, "set profile USER wan", "[changes]"},
		{"transfer", func() (any, error) { a, err := c.Transfer(ctx, TransferRequest{To: "r2"}); return a.To, err }, "transfer r2\npropose local/USER switched", "r2"},
		{"create token", func() (any, error) { a, err := c.CreateToken(ctx, TokenRequest{Kind: "router"}); return a.Text, err }, "token router", "POLSO-1-A-B"},
		{"tokens", func() (any, error) { return c.Tokens(ctx) }, "", "[]"},
		{"plan", func() (any, error) { p, err := c.Plan(ctx, PlanRequest{Files: files}); return p.Summary, err }, "", "Plan: 2 to add, 0 to change, 0 to remove."},
		{"apply", func() (any, error) {
			a, err := c.Apply(ctx, ApplyRequest{Files: files, Message: "first"})
			return []any{a.Before, a.Revision, a.Unchanged}, err
		}, "propose local/USER set_document", "[1 2 false]"},
		{"edit, seen before", func() (any, error) {
			a, err := c.Edit(ctx, EditRequest{Verb: config.Set, Kind: config.KindServer, Name: "web/a", Values: []string{"weight=7"}, DryRun: true})
			return []any{a.Revision, a.Plan.Summary}, err
		}, "", "[2 Plan: 0 to add, 1 to change, 0 to remove.]"},
		{"apply again", func() (any, error) {
			a, err := c.Apply(ctx, ApplyRequest{Files: files})
			return []any{a.Before, a.Revision, a.Unchanged}, err
		}, "propose local/USER set_document", "[2 2 true]"},
		{"document", func() (any, error) {
			d, err := c.Document(ctx)
			return []any{d.Number, d.Current, d.Source == webHCL}, err
		}, "", "[2 true true]"},
		{"revision", func() (any, error) { d, err := c.Revision(ctx, 1); return []any{d.Number, d.Current, d.Message}, err }, "", "[1 false polso init]"},
		{"history", func() (any, error) {
			h, err := c.History(ctx, 20)
			return []any{len(h), h[0].Summary, h[0].Message}, err
		}, "", "[2 Plan: 2 to add, 0 to change, 0 to remove. first]"},
		{"history, one", func() (any, error) { h, err := c.History(ctx, 1); return len(h), err }, "", "1"},
		{"history with changes", func() (any, error) { h, err := c.HistoryOfChanges(ctx, 1); return h[0].Changes, err }, "",
			"+ virtual \"web\"   192.0.2.10:80/tcp scheduler wlc forward dr\n+ server \"web/a\"  10.0.0.1 weight 1\n"},
		{"compare", func() (any, error) {
			d, err := c.Compare(ctx, 1, 0)
			return []any{d.From, d.To, len(d.Changes), d.Text[strings.Index(d.Text, "Revision"):]}, err
		}, "", "[1 2 2 Revision 1 to 2: 2 to add, 0 to change, 0 to remove.\n]"},
		{"compare backwards", func() (any, error) { d, err := c.Compare(ctx, 2, 1); return d.Summary, err }, "", "Plan: 0 to add, 0 to change, 2 to remove."},
		{"audit", func() (any, error) {
			list, err := c.Audit(ctx, AuditRequest{Count: 1, Since: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), After: 1})
			return []any{len(list), list[0].Action, list[0].By == whoami(t), list[0].Kind}, err
		}, "", "[1 set_document true local]"},
		{"rollback to the one before, only shown", func() (any, error) {
			a, err := c.Rollback(ctx, RollbackRequest{DryRun: true})
			return []any{a.Revision, a.Plan.Summary}, err
		}, "", "[2 Plan: 0 to add, 0 to change, 2 to remove.]"},
		{"rollback", func() (any, error) {
			a, err := c.Rollback(ctx, RollbackRequest{Revision: 1})
			return []any{a.Before, a.Revision}, err
		}, "propose local/USER set_document", "[2 3]"},
		{"apply, to be confirmed", func() (any, error) {
			a, err := c.Apply(ctx, ApplyRequest{Files: files, ConfirmSeconds: 300})
			return []any{a.Revision, a.Confirm.Revision, a.Confirm.BackTo, a.Confirm.By == whoami(t)}, err
		}, "propose local/USER set_document", "[4 4 3 true]"},
		{"confirm", func() (any, error) { return result(c.Confirm(ctx, ConfirmRequest{Revision: 4})) }, "propose local/USER confirm", "[Revision 4 is confirmed: it stays.]"},
		{"rollback, to be confirmed", func() (any, error) {
			a, err := c.Rollback(ctx, RollbackRequest{Revision: 1, ConfirmSeconds: 10})
			return []any{a.Revision, a.Confirm.Revision, a.Confirm.BackTo}, err
		}, "propose local/USER set_document", "[5 5 4]"},
		{"confirm whatever waits", func() (any, error) { return result(c.Confirm(ctx, ConfirmRequest{})) }, "propose local/USER confirm", "[Revision 5 is confirmed: it stays.]"},
		{"what a rollback says of itself", func() (any, error) { d, err := c.Document(ctx); return d.Message, err }, "", "rollback to revision 1"},
	} {
		b.notes()
		got, err := test.call()
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if fmt.Sprint(got) != test.want {
			t.Errorf("%s: got %v, want %s", test.name, got, test.want)
		}
		want := strings.ReplaceAll(test.note, "USER", whoami(t))
		if note := b.notes(); note != want {
			t.Errorf("%s: the backend was asked %q, want %q", test.name, note, want)
		}
	}
}

func result(d Done, err error) (any, error) { return d.Done, err }

func TestReadiness(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(*Status)
		want int
	}{
		{"ready", func(*Status) {}, 200},
		{"in no cluster", func(s *Status) { s.Formed = false }, 503},
		{"kernel behind", func(s *Status) { s.Converged = false }, 503},
		{"no leader", func(s *Status) { s.Leader = "" }, 503},
	} {
		b := newBackend(t)
		test.edit(&b.status)
		h := New(b, Version{})
		if got := request(h, "GET", "/readyz", "").code; got != test.want {
			t.Errorf("%s: readyz %d, want %d", test.name, got, test.want)
		}
		if got := request(h, "GET", "/livez", "").code; got != 200 {
			t.Errorf("%s: livez %d, want 200", test.name, got)
		}
	}
}
