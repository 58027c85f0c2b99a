package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"polso/api"
	"polso/config"
	"polso/fsm"
)

// canned is a node with a fixed answer to everything that the tests ask.
type canned struct {
	api.Backend // what is not expected panics
	status      api.Status
	passes      *atomic.Bool // the status has problems until it was asked for once
	findings    []api.Finding
	err         error
}

func (c canned) Status(context.Context, api.Detail) (api.Status, error) {
	if c.passes != nil && c.passes.Swap(true) {
		c.status.Problems = nil
	}
	return c.status, nil
}

func (c canned) Local(api.Detail) api.Status { return c.status }

func (c canned) State(context.Context) (*fsm.Snapshot, error) {
	return &fsm.Snapshot{Cluster: fsm.Cluster{ID: "c1"}, Revision: 1}, nil
}

func (c canned) Propose(context.Context, fsm.Actor, string, fsm.Command) (fsm.Result, error) {
	return fsm.Result{Revision: 2}, nil
}

func (c canned) Foresee(context.Context, config.Document, time.Time) ([]api.RouterPlan, error) {
	return nil, nil
}

func (c canned) Transfer(context.Context, api.TransferRequest) (api.Transferred, error) {
	return api.Transferred{From: "r1", To: "r2", Seconds: 0.043}, c.err
}

func (c canned) Profile(context.Context) (api.Profile, error) {
	return api.Profile{Profile: "lan", Change: c.status.ProfileChange, Known: []api.KnownProfile{{Name: "lan", H: 0.4}, {Name: "vm", H: 1.5}}}, nil
}

func (c canned) Certificates(context.Context) (api.Certificates, error) {
	from := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	end := time.Date(2030, 1, 2, 3, 4, 5, 0, time.Local)
	return api.Certificates{
		Node: "r1", CAKey: true, Change: c.status.CAChange,
		Certificate: api.Certificate{Identity: "polso://c/1/router/a", Serial: "7f", Fingerprint: "f1", Pin: "p1", NotBefore: from},
		CA:          api.Certificate{Identity: "polso://c/1/ca/ca", Serial: "80", Fingerprint: "f2", Pin: "p2", NotBefore: from, NotAfter: &end},
		Web: &api.WebCertificate{
			Listen: []string{"[::]:3636"}, Source: "polso", Names: []string{"r1", "localhost"}, Serial: "81", Fingerprint: "f3", NotBefore: from, NotAfter: end, CA: "the CA\n",
		},
	}, nil
}

func (c canned) RotateCertificates(context.Context, fsm.Actor, api.RotateRequest) (api.Done, error) {
	return api.Done{Done: []string{"It is new."}}, c.err
}

func (c canned) SetProfile(context.Context, fsm.Actor, api.ProfileRequest) (api.Done, error) {
	return api.Done{Done: []string{"It changes."}, Warnings: []string{"r3 does not answer"}}, nil
}

func (c canned) Doctor(context.Context, string) (api.Findings, error) {
	return api.Findings{Findings: c.findings}, nil
}

// serve serves b and returns its address.
func serve(t *testing.T, b api.Backend) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: api.New(b, api.Version{}), ConnContext: api.ConnContext}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-ended })
	return "unix://" + path
}

// polso runs the command line as main does.
func polso(t *testing.T, ctx context.Context, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	app := newApp(strings.NewReader(""), &out, &errs, func(string) string { return "" })
	root := app.root()
	root.SetArgs(args)
	code = app.exit(root.ExecuteContext(ctx))
	return code, out.String(), errs.String()
}

// Every code of the API has its exit code, and the error is told as what happened, then what to do.
func TestExitCodes(t *testing.T) {
	for code, want := range map[api.Code]int{
		api.CodeInvalid: 1, api.CodeUnsupported: 1, api.CodeExists: 1, api.CodeNotFormed: 1, api.CodeUnknown: 1, api.CodeInternal: 1, api.CodeRefused: 1,
		api.CodeNoLeader: 4, api.CodeUnreachable: 4, api.CodeConflict: 5, api.CodeReused: 5, api.CodeNotFound: 6, api.CodeTimeout: 7, api.CodeDenied: 77,
	} {
		e := api.Errorf(code, "what happened").WithDetail("and why").WithHint("do this")
		got, out, errs := polso(t, t.Context(), "transfer", "--yes", "--addr", serve(t, canned{err: e}))
		if said := "Error: what happened: and why.\nHint: do this.\n"; got != want || out != "" || errs != said {
			t.Errorf("%s: exit %d, printed %q, %q; want %d and\n%s", code, got, out, errs, want, said)
		}
	}
}

// The chain of errors behind one is for those who ask for it.
func TestVerbose(t *testing.T) {
	e := api.Errorf(api.CodeUnreachable, "nobody answers").WithReason(fmt.Errorf("join: %w: dial tcp: %w", errors.New("unreachable"), syscall.ECONNREFUSED)).WithHint("do this")
	addr := serve(t, canned{err: e})
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"told", []string{"transfer", "--yes", "--addr", addr}, "Error: nobody answers: connection refused.\nHint: do this.\n"},
		{"told with -v", []string{"transfer", "--yes", "-v", "--addr", addr},
			"Error: nobody answers: connection refused.\nCause: join: unreachable: dial tcp: connection refused\nHint: do this.\n"},
		{"no agent", []string{"status", "--addr", "unix:///nowhere"},
			"Error: the agent at unix:///nowhere does not answer: no such file or directory.\nHint: is it running? start it with `polso agent`, or name its socket with --addr or POLSO_ADDR.\n"},
	} {
		if _, _, errs := polso(t, t.Context(), test.args...); errs != test.want {
			t.Errorf("%s: got\n%swant\n%s", test.name, errs, test.want)
		}
	}
}

func TestExitCodesOfWhatIsSeen(t *testing.T) {
	healthy := api.Status{Formed: true, Cluster: "edge", Health: api.Healthy, Members: []api.Member{}}
	degraded, down := healthy, healthy
	degraded.Health, down.Health = api.Degraded, api.Down
	known, unknown := healthy, healthy
	at := time.Now().Add(-time.Hour)
	known.LastFailover = &api.Failover{From: "r1", To: "r2", At: at, Seconds: 0.31}
	unknown.LastFailover = &api.Failover{From: "r1", To: "r2", At: at}
	leaving := healthy
	until := time.Date(2026, 11, 22, 10, 0, 0, 0, time.Local)
	leaving.Virtuals = []api.Virtual{{Name: "web", Protocol: "tcp", Servers: []api.Server{
		{Name: "a", State: "up"}, {Name: "b", Address: "10.0.0.2", Port: 80, State: "leaving", Reason: "removed; drains", Until: &until},
	}}}
	changing := healthy
	changing.ProfileChange = &api.ProfileChange{To: "vm", Step: "both", Waiting: []string{"r3"}}
	rotating := healthy
	rotating.CAChange = &api.CAChange{Step: "issue", Waiting: []string{"r2", "r3"}}
	standby := healthy
	standby.Node, standby.Leader, standby.VIPs = "r2", "r1", []api.VIP{{Name: "web", Address: "192.0.2.1"}}
	late := healthy
	late.Members = []api.Member{{Name: "r1", State: "up", AppliedRevision: 2, Converged: true}, {Name: "r2", State: "up", AppliedRevision: 1, Converged: true}}
	silent := healthy
	silent.Members = []api.Member{{Name: "r1", State: "up", AppliedRevision: 2, Converged: true}, {Name: "r2", State: "down", AppliedRevision: 1}}
	silent.Problems = []api.Problem{{Node: "r2", What: "router", Why: "does not answer, for 1m"}}
	homeless := healthy
	homeless.Members = []api.Member{{Name: "r1", State: "up", AppliedRevision: 2, Converged: true}}
	homeless.Problems = []api.Problem{{Node: "r1", What: "vip 192.0.2.1", Why: "no link has its subnet", Fix: "name a link"}}
	pair := healthy
	pair.Members = []api.Member{{Name: "r1", Kind: "router", Raft: "leader", State: "up"}, {Name: "w1", Kind: "witness", Raft: "follower", State: "up"}}
	witness := healthy
	witness.Node, witness.Leader, witness.Members = "w1", "r1", []api.Member{{Name: "w1", Kind: "witness"}}
	elected := witness
	elected.Leader = "w1"
	document := filepath.Join(t.TempDir(), "edge.hcl")
	if err := os.WriteFile(document, []byte("virtual \"web\" {\n  address = \"192.0.2.1\"\n  port = 80\n  server \"a\" {\n    address = \"10.0.0.1\"\n  }\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		node canned
		args []string
		want int
		says string // a part of both outputs
	}{
		{"healthy", canned{status: healthy}, []string{"status"}, 0, "HEALTHY"},
		{"a failover", canned{status: known}, []string{"status"}, 0, "last failover 1h00m ago (r1 -> r2, 310ms)"},
		{"a failover that nobody timed", canned{status: unknown}, []string{"status"}, 0, "last failover 1h00m ago (r1 -> r2)"},
		{"a server that leaves is not missing", canned{status: leaving}, []string{"status"}, 0, "    1/1  "},
		{"a server that leaves", canned{status: leaving}, []string{"status"}, 0, "10.0.0.2:80  removed; drains  until 2026-11-22 10:00:00\n"},
		{"members of no cluster", canned{status: api.Status{Node: "r1"}}, []string{"members"}, 0, "ROUTER   r1   belongs to no cluster\nHint: polso init"},
		{"a witness among the members", canned{status: pair}, []string{"members", "--no-headers"}, 0, "\nw1  -  witness  -  * UP"},
		{"the members' types", canned{status: pair}, []string{"members", "-o", "wide"}, 0, "  TYPE     "},
		{"a witness alone", canned{status: witness}, []string{"status", "--local"}, 0, "WITNESS  w1   * HEALTHY   cluster edge   revision 0, kernel at 0   votes; the leader is r1\n"},
		{"a witness that was elected", canned{status: elected}, []string{"status", "--local"}, 0, "leads until a router can\n"},
		{"degraded", canned{status: degraded}, []string{"status"}, 3, "DEGRADED"},
		{"down", canned{status: down}, []string{"status", "-o", "json"}, 3, `"health": "DOWN"`},
		{"a standby that is well", canned{status: standby}, []string{"status", "--local"}, 0, "HEALTHY"},
		{"this router degraded", canned{status: degraded}, []string{"status", "--local"}, 3, "DEGRADED"},
		{"this router down", canned{status: down}, []string{"status", "--local", "-o", "json"}, 3, `"health": "DOWN"`},
		{"doctor content", canned{findings: []api.Finding{{Name: "clock", Level: "ok"}, {Name: "x", Level: "warn", Fix: "y"}}}, []string{"doctor"}, 0, "fix: y"},
		{"doctor fails", canned{findings: []api.Finding{{Name: "clock", Level: "ok"}, {Name: "ipvs", Level: "fail", Fix: "modprobe ip_vs"}}}, []string{"doctor"}, 3, "FAIL  ipvs"},
		{"apply waits for one that is late", canned{status: late}, []string{"apply", "-f", document, "--yes", "--wait", "300ms"}, 7, "waiting for r2"},
		{"apply does not wait for the dead", canned{status: silent}, []string{"apply", "-f", document, "--yes", "--wait", "5s"}, 0, "Not waited for (no answer): r2."},
		{"apply tells what is followed and does not work", canned{status: homeless}, []string{"apply", "-f", document, "--yes", "--wait", "5s"}, 3, "Applied revision 2. Undo: polso rollback 1\nPROBLEM r1: vip 192.0.2.1: no link has its subnet\n        name a link\n"},
		{"apply is silent about what passes", canned{status: homeless, passes: new(atomic.Bool)}, []string{"apply", "-f", document, "--yes", "--wait", "5s"}, 0, "Applied revision 2. Undo: polso rollback 1\n"},
		{"apply tells what lasts until the time is up", canned{status: homeless}, []string{"apply", "-f", document, "--yes", "--wait", "300ms"}, 3, "no link has its subnet"},
		{"plan with changes", canned{}, []string{"plan", "-f", document, "--exit-code"}, 2, "2 to add"},
		{"a change of the profile", canned{status: changing}, []string{"status"}, 0, "PROFILE  changes to vm: waiting for r3\n"},
		{"profile", canned{}, []string{"profile", "show"}, 0, "PROFILE      H  USE\nlan      400ms  now\nvm        1.5s  -\n"},
		{"profile that changes", canned{status: changing}, []string{"profile", "show"}, 0, "lan      400ms  changes to vm\nvm        1.5s  -\nPROFILE  changes to vm: waiting for r3\n"},
		{"profile set", canned{}, []string{"profile", "set", "vm", "--yes", "--wait", "5s"}, 0, "It changes.\nWarning: r3 does not answer.\n"},
		{"profile set waits", canned{status: changing}, []string{"profile", "set", "vm", "--yes", "--wait", "300ms"}, 7, "PROFILE  changes to vm: waiting for r3"},
		{"a change of the CA", canned{status: rotating}, []string{"status"}, 0, "CA       changes: every router gets a certificate of the new one, waiting for r2, r3\n"},
		{"certificates", canned{status: rotating}, []string{"cert", "show"}, 0, "ROUTER r1\n  for          polso://c/1/router/a\n  valid        from 2000-01-01, no end\n  serial       7f\n" +
			"  fingerprint  f1\n  pin          p1\nCA; its key is here\n  for          polso://c/1/ca/ca\n  valid        from 2000-01-01, until 2030-01-02 03:04:05\n" +
			"  serial       80\n  fingerprint  f2\n  pin          p2\nHTTPS at [::]:3636\n  for          r1, localhost\n" +
			"  valid        from 2000-01-01, until 2030-01-02 03:04:05; issued by the CA that polso cert show --ca prints\n  serial       81\n  fingerprint  f3\n" +
			"CA       changes: every router gets"},
		{"the CA for browsers", canned{}, []string{"cert", "show", "--ca"}, 0, "the CA\n"},
		{"rotate", canned{}, []string{"cert", "rotate", "--ca", "--yes"}, 0, "It is new."},
		{"rotate all twice", canned{}, []string{"cert", "rotate", "--ca", "--all"}, 64, "--all is not needed"},
		{"transfer", canned{}, []string{"transfer", "--yes"}, 0, "Director: r1 -> r2, addresses without a holder for 43ms"},
	} {
		got, out, errs := polso(t, t.Context(), append(test.args, "--addr", serve(t, test.node))...)
		if got != test.want || !strings.Contains(out+errs, test.says) {
			t.Errorf("%s: exit %d, want %d with %q\n%s%s", test.name, got, test.want, test.says, out, errs)
		}
	}
}

// impatient is a node whose operator loses patience once it was asked, and that never answers.
type impatient struct {
	canned
	asked func()
}

func (i impatient) Transfer(ctx context.Context, _ api.TransferRequest) (api.Transferred, error) {
	i.asked()
	<-ctx.Done()
	return api.Transferred{}, ctx.Err()
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	interrupted := func() { cancel(errors.New("Ctrl-C")) }
	code, _, errs := polso(t, ctx, "transfer", "--yes", "--addr", serve(t, impatient{asked: interrupted}))
	if code != exitFailure || errs != "Error: interrupted; what was asked for may still be done.\n" {
		t.Errorf("exit %d, %q", code, errs)
	}
}
