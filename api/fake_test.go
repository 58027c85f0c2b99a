package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"polso/config"
	"polso/events"
	"polso/fsm"
)

const testPEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

// backend is a node whose log is a slice: writes are applied by a real state machine, everything else is noted.
type backend struct {
	Backend // what a test does not expect to be called panics

	mu      sync.Mutex // guards below
	fsm     *fsm.FSM
	index   uint64
	diary   []string
	fail    error // what the next call answers
	status  Status
	routers []RouterPlan
	blind   error // what Foresee answers
	ending  chan struct{}
	saw     func(EventsWanted) Events // what Events answers; nil: nothing
	now     func() time.Time          // nil: a second later with each write
}

func newBackend(t testing.TB) *backend {
	t.Helper()
	b := &backend{fsm: fsm.New(fsm.Options{}), status: Status{Schema: Schema, Node: "r1", Formed: true, Converged: true, Leader: "r1", Members: []Member{}, VIPs: []VIP{}, Virtuals: []Virtual{}, Problems: []Problem{}}}
	return b
}

// formed is a backend with a cluster at revision 1.
func formed(t testing.TB) *backend {
	t.Helper()
	b := newBackend(t)
	blank, err := fsm.Blank()
	if err != nil {
		t.Fatal(err)
	}
	b.fsm.Hear(1, 1)
	_, err = b.Propose(t.Context(), fsm.Actor{Kind: "local", Name: "root"}, "found", &fsm.Found{
		Cluster:  fsm.Cluster{ID: "c1", Name: "edge", Profile: "lan", Generation: 1, CA: testPEM},
		Node:     fsm.Node{ID: "n1", Name: "r1", Kind: fsm.Router, Addresses: []string{"10.9.0.11:5390"}},
		Document: blank,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// note writes a call down and answers what the test asked for.
func (b *backend) note(words ...string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.diary = append(b.diary, strings.Join(words, " "))
	err := b.fail
	b.fail = nil
	return err
}

func (b *backend) notes() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := strings.Join(b.diary, "\n")
	b.diary = nil
	return s
}

func (b *backend) State(context.Context) (*fsm.Snapshot, error) {
	switch s := b.fsm.Load(); {
	case s.Known:
		return s, nil
	case b.status.Formed:
		return nil, Errorf(CodeNoLeader, "no leader").WithHint("polso status --local")
	default:
		return nil, Errorf(CodeNotFormed, "this router belongs to no cluster").WithHint("polso init")
	}
}

func (b *backend) Propose(_ context.Context, by fsm.Actor, request string, c fsm.Command) (fsm.Result, error) {
	if err := b.note("propose", by.Kind+"/"+by.Name, string(c.Name())); err != nil {
		return fsm.Result{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.index++
	at := time.Date(2026, 11, 22, 10, 0, int(b.index), 0, time.UTC)
	if b.now != nil {
		at = b.now()
	}
	data, err := fsm.Encode(fsm.Envelope{Request: request, Actor: by, At: at, Command: c})
	if err != nil {
		return fsm.Result{}, err
	}
	res, err := fsm.DecodeResult(b.fsm.Apply(&raft.Log{Index: b.index, Term: 1, Data: data}).([]byte))
	if err != nil {
		return fsm.Result{}, err
	}
	if r := res.Refusal; r != nil {
		code, ok := map[fsm.Code]Code{fsm.CodeConflict: CodeConflict, fsm.CodeReused: CodeReused, fsm.CodeNotFound: CodeNotFound, fsm.CodeExists: CodeExists, fsm.CodeDenied: CodeDenied}[r.Code]
		if !ok {
			code = CodeInvalid
		}
		return res, Errorf(code, "%s", r.Text).WithHint("%s", r.Fix)
	}
	return res, nil
}

func (b *backend) Foresee(context.Context, config.Document, time.Time) ([]RouterPlan, error) {
	return b.routers, b.blind
}

func (b *backend) Status(context.Context, Detail) (Status, error) { return b.status, b.note("status") }

func (b *backend) Local(Detail) Status { _ = b.note("local"); return b.status }

func (b *backend) LocalOf(_ context.Context, name string, d Detail) (Status, error) {
	return Status{Schema: Schema, Node: name}, b.note("local", name, fmt.Sprint(d == Brief))
}

func (b *backend) Init(_ context.Context, by fsm.Actor, r InitRequest) (InitAnswer, error) {
	return InitAnswer{Schema: Schema, Cluster: r.Cluster, Node: "r1", Addresses: r.Advertise, Token: "POLSO-1-A-B"}, b.note("init", by.Name, r.Cluster, r.Profile)
}

func (b *backend) Join(_ context.Context, r JoinRequest) (JoinAnswer, error) {
	return JoinAnswer{Schema: Schema, Cluster: "edge", Node: "r2", Learner: true}, b.note("join", strings.Join(r.Addresses, ","), r.Token, r.Replace)
}

func (b *backend) CreateToken(_ context.Context, by fsm.Actor, r TokenRequest) (Token, error) {
	return Token{Schema: Schema, ID: "t1", Text: "POLSO-1-A-B", Kind: r.Kind, Uses: r.Uses, By: by.Name}, b.note("token", r.Kind)
}

func (b *backend) Certificates(context.Context) (Certificates, error) {
	return Certificates{Schema: Schema, Node: "r1"}, b.note("certificates")
}

func (b *backend) RotateCertificates(_ context.Context, by fsm.Actor, r RotateRequest) (Done, error) {
	return Done{Schema: Schema, Done: []string{"rotated"}}, b.note("rotate", by.Name, fmt.Sprint(r.All, r.CA))
}

func (b *backend) Profile(context.Context) (Profile, error) {
	return Profile{Schema: Schema, Profile: "lan", H: 0.4}, b.note("profile")
}

func (b *backend) SetProfile(_ context.Context, by fsm.Actor, r ProfileRequest) (Done, error) {
	return Done{Schema: Schema, Done: []string{"changes"}}, b.note("set profile", by.Name, r.Profile)
}

func (b *backend) Events(_ context.Context, w EventsWanted) (Events, error) {
	out := Events{Schema: Schema, Node: "r1", Events: []events.Event{}, Silent: []Silent{}}
	if b.saw != nil {
		out = b.saw(w)
	}
	ago := "ever"
	if !w.Since.IsZero() {
		ago = time.Since(w.Since).Round(time.Minute).String()
	}
	return out, b.note("events", ago, w.After.String())
}

func (b *backend) Ending() <-chan struct{} { return b.ending }

func (b *backend) Leave(_ context.Context, by fsm.Actor, r LeaveRequest) (Done, error) {
	return Done{Schema: Schema, Done: []string{"left"}}, b.note("leave", by.Name)
}

func (b *backend) Rejoin(_ context.Context, r RejoinRequest) (JoinAnswer, error) {
	return JoinAnswer{Schema: Schema, Cluster: "edge", Node: r.Name, Aside: "/d/aside-1"}, b.note("rejoin", strings.Join(r.Addresses, ","), r.Token, r.Name)
}

func (b *backend) Recover(_ context.Context, by fsm.Actor, r RecoverRequest) (Recovered, error) {
	return Recovered{Schema: Schema, Cluster: r.Cluster, Node: "r1", Generation: 2, GivenUp: []string{"r2"}, Addresses: []string{}}, b.note("recover", by.Name, r.Cluster)
}

func (b *backend) Remove(_ context.Context, by fsm.Actor, name string) (Done, error) {
	return Done{Schema: Schema, Done: []string{"removed"}}, b.note("remove", by.Name, name)
}

func (b *backend) Transfer(_ context.Context, r TransferRequest) (Transferred, error) {
	return Transferred{Schema: Schema, From: "r1", To: r.To, Seconds: 0.05}, b.note("transfer", r.To)
}

func (b *backend) Announce(_ context.Context, r AnnounceRequest) (Done, error) {
	return Done{Schema: Schema, Done: r.Addresses}, b.note("announce", strings.Join(r.Addresses, ","))
}

func (b *backend) IPVS(_ context.Context, r IPVSRequest) (IPVS, error) {
	return IPVS{Schema: Schema, Node: "r1", Text: "layout " + r.Layout, Services: []IPVSService{}}, b.note("ipvs", r.On, r.Layout)
}

func (b *backend) Connections(_ context.Context, r ConnectionsRequest) (ConnectionTable, error) {
	return ConnectionTable{Schema: Schema, Node: "r1", Connections: []Connection{}, Total: r.Limit}, b.note("connections", fmt.Sprintf("%+v", r))
}

func (b *backend) Stats(_ context.Context, r StatsRequest) (Stats, error) {
	return Stats{Schema: Schema, Node: r.On, Virtuals: []VirtualStats{}}, b.note("stats", r.On, r.Virtual)
}

func (b *backend) CPUStats(_ context.Context, on string) (CPUStats, error) {
	return CPUStats{Schema: Schema, Node: on, CPUs: []CPU{}}, b.note("cpu stats", on)
}

func (b *backend) Virtuals(_ context.Context, r VirtualsRequest) (Virtuals, error) {
	return Virtuals{Schema: Schema, Total: r.Limit, Virtuals: []ListedVirtual{}}, b.note("virtuals", fmt.Sprintf("%+v", r))
}

func (b *backend) Virtual(_ context.Context, r VirtualRequest) (VirtualPage, error) {
	return VirtualPage{Schema: Schema, Virtual: Listed(Virtual{Name: r.Name})}, b.note("virtual", fmt.Sprintf("%+v", r))
}

func (b *backend) History(_ context.Context, r HistoryRequest) (History, error) {
	return History{Schema: Schema, Node: "r1"}, b.note("history", fmt.Sprintf("%+v", r))
}

func (b *backend) RunCheck(_ context.Context, r CheckRequest) (CheckRun, error) {
	return CheckRun{Schema: Schema, Node: r.On, Results: []CheckProbe{{Virtual: r.Virtual, Steps: []CheckStep{{What: "sent", Bytes: []byte("GET")}}}}}, b.note("check", r.On, r.Virtual, r.Server)
}

func (b *backend) TestNotice(_ context.Context, by fsm.Actor, r NoticeTestRequest) (NoticeTest, error) {
	return NoticeTest{Schema: Schema, Notify: r.Notify, Results: []NoticeTried{{Router: "r1", Told: true}, {Router: "r2"}}}, b.note("notify", by.Name, r.Notify, r.Router)
}

func (b *backend) Doctor(_ context.Context, on string) (Findings, error) {
	return Findings{Schema: Schema, Node: "r1", Findings: []Finding{{Name: "clock", Level: "ok"}}}, b.note("doctor", on)
}

func (b *backend) Debug(context.Context) (Debug, error) {
	return Debug{Schema: Schema, Node: "r1", Parts: []DebugPart{{Name: "log.txt", Data: []byte("a line")}}}, b.note("debug")
}

// serve serves b on a unix socket, as the agent does, and returns a client of it.
func serve(t testing.TB, b Backend) *Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: New(b, Version{Schema: Schema, Version: "1.2.3"}), ConnContext: ConnContext}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	c, err := NewClient("unix://" + path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		srv.Close()
		<-ended
	})
	return c
}

// rawAnswer is what came back for a request made by hand.
type rawAnswer struct {
	code int
	kind string
	text string
	to   string // where it sends whoever asked
}

func (r rawAnswer) problem(t *testing.T) Error {
	t.Helper()
	var e Error
	if err := json.Unmarshal([]byte(r.text), &e); err != nil {
		t.Fatalf("%v in %q", err, r.text)
	}
	return e
}
