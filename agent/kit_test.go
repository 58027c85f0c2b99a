package agent

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"polso/api"
	"polso/fsm"
	"polso/ipvs"
	"polso/vip"
)

// patience bounds everything that a test waits for; the race detector on a busy machine is slow.
const patience = 20 * time.Second

// network is one segment with routers on it, each an agent in this process with a kernel in memory. It watches that no two
// of them have the same address up at the same time.
type network struct {
	t         *testing.T
	dir       string
	nodes     []*router // changed by the test's goroutine alone, under mu: the agents' goroutines look at it too
	strangers []*router

	mu      sync.Mutex // guards below
	began   time.Time
	diary   []string
	clashes []string
}

// router is one node and its machine: the kernel and the disk outlive the agent.
type router struct {
	net       *network
	name      string
	listen    string
	api       string // where its door is; "": it has none
	web       string // its operator's certificate and key are this with .pem and .key; "": there is none
	flight    bool   // it records
	addresses *vip.Fake
	table     *ipvs.Fake
	client    *api.Client
	log       *logBuffer
	level     slog.Level // from which on it logs; zero: Info
	eyes      *eyes
	agent     atomic.Pointer[Agent] // the last one
	kernel    Kernel
	version   string
	levels    *fsm.Levels  // of its build; nil: this one
	opened    atomic.Int32 // how often its kernel was opened

	stop  context.CancelFunc // nil: no agent runs
	ended chan error
}

// newNetwork makes routers r1 to rN, none of them running. Nothing of it is shared: tests that wait much run beside each other.
func newNetwork(t *testing.T, n int) *network {
	t.Helper()
	dir, err := os.MkdirTemp("", "polso") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	w := &network{t: t, dir: dir, began: time.Now()}
	t.Cleanup(func() {
		for _, r := range slices.Concat(w.nodes, w.strangers) {
			r.halt()
			r.client.Close()
		}
		w.report()
		os.RemoveAll(dir)
	})
	for i := range n {
		w.add(fmt.Sprintf("r%d", i+1))
	}
	return w
}

// stranger is a router more, with an agent that is in no cluster; none of the segment's rules watch it.
func (w *network) stranger(name string) *router {
	w.t.Helper()
	r := w.machine(name)
	w.strangers = append(w.strangers, r)
	r.start()
	return r
}

// add makes one router of the segment.
func (w *network) add(name string) *router {
	w.t.Helper()
	r := w.machine(name)
	w.watch(r)
	return r
}

// watch has the segment's rules hold for r too.
func (w *network) watch(r *router) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nodes = append(w.nodes, r)
}

// others are the segment's routers but r; any goroutine may ask.
func (w *network) others(r *router) []*router {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.nodes), func(o *router) bool { return o == r })
}

// machine makes one router that nobody watches yet.
func (w *network) machine(name string) *router {
	t := w.t
	t.Helper()
	r := &router{net: w, name: name, listen: freePort(t), table: new(ipvs.Fake), log: new(logBuffer), eyes: new(eyes), kernel: SimulatedKernel, version: "test"}
	clock := func() vip.Instant { return vip.Instant(sinceBoot()) }
	r.addresses = vip.NewFake(clock, vip.Link{Name: "eth0", Up: true, Prefixes: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/24")}})
	r.addresses.Before(r.watched)
	var err error
	if r.client, err = api.NewClient("unix://" + r.socket()); err != nil {
		t.Fatal(err)
	}
	return r
}

// freePort is a loopback address with a port that was free a moment ago, below those that the kernel gives to connections and to whoever
// asks for any (ip_local_port_range): one of these could be taken before the agent gets to it.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(20000)))
		if err != nil {
			continue // taken
		}
		defer l.Close()
		return l.Addr().String()
	}
	t.Fatal("no port is free")
	return ""
}

// watched sees every call of a router's agent before the kernel does it.
func (r *router) watched(c vip.Call) error {
	switch c.Method {
	case "Add", "Renew":
		for _, other := range r.net.others(r) {
			if other.holds(c.Addr) {
				r.net.note("CLASH: %s: %s %s while %s has it", r.name, c.Method, c.Addr, other.name)
			}
		}
	}
	if c.Method == "Add" || c.Method == "Remove" {
		r.net.note("%s %s %s", r.name, c.Method, c.Addr)
	}
	return nil
}

// note writes a line into the segment's diary.
func (w *network) note(format string, args ...any) {
	line := fmt.Sprintf("%8.3f ", time.Since(w.began).Seconds()) + fmt.Sprintf(format, args...)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.diary = append(w.diary, line)
	if strings.Contains(line, "CLASH") {
		w.clashes = append(w.clashes, line)
	}
}

// report fails the test if two ever held an address, and tells what happened if it failed.
func (w *network) report() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.clashes) > 0 {
		w.t.Errorf("two routers held an address:\n%s", strings.Join(w.clashes, "\n"))
	}
	if !w.t.Failed() {
		return
	}
	w.t.Logf("who did what, when:\n%s", strings.Join(w.diary, "\n"))
	for _, r := range w.nodes {
		w.t.Logf("the log of %s:\n%s", r.name, r.log.tail(80))
	}
}

// holds says whether addr is up on this router by Polso's hand.
func (r *router) holds(addr netip.Addr) bool {
	have, err := r.addresses.Placed()
	if err != nil {
		return false
	}
	for _, p := range have {
		if p.Ours && p.Addr == addr {
			return true
		}
	}
	return false
}

func (r *router) socket() string { return filepath.Join(r.net.dir, r.name+".sock") }

func (r *router) home() string { return filepath.Join(r.net.dir, r.name) }

func (r *router) options() Options {
	o := Options{
		Name: r.name, DataDir: r.home(), Socket: r.socket(), Listen: []string{r.listen}, Interfaces: map[string]string{"outside": "eth0"},
		Kernel: r.kernel, FlightRecorder: r.flight, Version: api.Version{Version: r.version}, levels: r.levels, Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: r.level})),
		begun: r.agent.Store,
		openEdges: func(Options) (edges, error) {
			r.opened.Add(1)
			return edges{addresses: r.addresses, table: r.table, rules: new(ipvs.FakeRules), sysctls: memSys{map[string]string{}}, probe: r.eyes.probe, close: func() {}}, nil
		},
	}
	if r.api != "" {
		o.API = []string{r.api}
	}
	if r.web != "" {
		o.Certificate, o.Key = r.web+".pem", r.web+".key"
	}
	return o
}

// start runs an agent and waits until it answers.
func (r *router) start() {
	t := r.net.t
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	r.stop, r.ended = cancel, ended
	go func() { ended <- Run(ctx, r.options()) }()
	r.net.note("%s starts", r.name)
	r.net.eventually(r.name+" answers", func() error {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("agent %s ended: %v", r.name, err)
		default:
		}
		_, err := r.client.Local(t.Context())
		return err
	})
}

// halt stops the agent as SIGTERM does and waits for its end. It may be called when none runs.
func (r *router) halt() {
	t := r.net.t
	t.Helper()
	if r.stop == nil {
		return
	}
	r.net.note("%s is told to stop", r.name)
	r.stop()
	r.stop = nil
	select {
	case err := <-r.ended:
		if err != nil {
			t.Errorf("agent %s ended with %v", r.name, err)
		}
		r.net.note("%s has stopped", r.name)
	case <-time.After(patience):
		t.Errorf("agent %s does not stop", r.name)
	}
}

// gather starts every agent and makes of all one cluster, with that profile.
func (w *network) gather(profile string) api.InitAnswer {
	t := w.t
	t.Helper()
	for _, r := range w.nodes {
		r.start()
	}
	r1 := w.nodes[0]
	made, err := r1.client.Init(t.Context(), api.InitRequest{Cluster: "edge", Advertise: []string{r1.listen}, Profile: profile})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range w.nodes[1:] {
		if _, err := r.client.Join(t.Context(), api.JoinRequest{Addresses: made.Addresses, Token: made.Token, Advertise: []string{r.listen}}); err != nil {
			t.Fatalf("%s joins: %v", r.name, err)
		}
	}
	return made
}

// form makes a cluster of all routers and has them follow edgeHCL: revision 2.
func (w *network) form() api.InitAnswer {
	t := w.t
	t.Helper()
	made, r1 := w.gather(testProfile), w.nodes[0]
	if _, err := r1.client.Apply(t.Context(), api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: edgeHCL}}, Message: "first"}); err != nil {
		t.Fatal(err)
	}
	voters := len(w.nodes)
	if voters == 2 {
		voters = 1 // the second has none before the third is there
	}
	for _, r := range w.nodes {
		r.status("all follow", func(st api.Status) error {
			if st.Quorum.Voters != voters {
				return settled(voters, 2)(st)
			}
			st.Quorum = api.Quorum{Voters: len(w.nodes), Healthy: len(w.nodes)}
			return settled(len(w.nodes), 2)(st)
		})
	}
	return made
}

// eventually waits until check returns nil.
func (w *network) eventually(what string, check func() error) {
	w.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if err = check(); err == nil {
			return
		}
	}
	w.t.Fatalf("%s: not within %v: %v", what, patience, err)
}

// status is the cluster as r tells it, once it is as it should be.
func (r *router) status(what string, want func(api.Status) error) api.Status {
	r.net.t.Helper()
	var st api.Status
	r.net.eventually(r.name+": "+what, func() (err error) {
		if st, err = r.client.Status(r.net.t.Context()); err != nil {
			return err
		}
		return want(st)
	})
	return st
}

// settled is a cluster of n voters whose kernels all follow the revision.
func settled(n int, revision uint64) func(api.Status) error {
	return func(st api.Status) error {
		if st.Quorum.Voters != n || st.Quorum.Healthy != n || len(st.Members) != n || st.Revision != revision {
			return fmt.Errorf("%d members, quorum %+v, revision %d; want %d, revision %d", len(st.Members), st.Quorum, st.Revision, n, revision)
		}
		for _, m := range st.Members {
			if m.State != "up" || !m.Converged || m.AppliedRevision != revision {
				return fmt.Errorf("member %s: %s, converged %v on revision %d", m.Name, m.State, m.Converged, m.AppliedRevision)
			}
		}
		for _, v := range st.VIPs {
			if !v.Held || v.On != st.Active || st.Active == "" {
				return fmt.Errorf("vip %s: held %v on %q, active %q", v.Address, v.Held, v.On, st.Active)
			}
		}
		return nil
	}
}

// holder is the router that has addr up, "" when none has.
func (w *network) holder(addr netip.Addr) string {
	var names []string
	for _, r := range w.nodes {
		if r.holds(addr) {
			names = append(names, r.name)
		}
	}
	return strings.Join(names, " and ")
}

func (w *network) router(name string) *router {
	w.t.Helper()
	for _, r := range w.nodes {
		if r.name == name {
			return r
		}
	}
	w.t.Fatalf("there is no router %q", name)
	return nil
}

// refused checks that err is a refusal with that code whose text and hint hold these words.
func refused(t *testing.T, what string, err error, code api.Code, words ...string) {
	t.Helper()
	if api.CodeOf(err) != code {
		t.Errorf("%s: got %v (%s), want %s", what, err, api.CodeOf(err), code)
		return
	}
	said := err.Error()
	if e, ok := err.(*api.Error); ok {
		said += " / " + e.Hint
		if e.Hint == "" {
			t.Errorf("%s: %q says no next step", what, said)
		}
	}
	for _, word := range words {
		if !strings.Contains(said, word) {
			t.Errorf("%s: %q lacks %q", what, said, word)
		}
	}
}

// logBuffer keeps what is written to it.
type logBuffer struct {
	mu   sync.Mutex // guards below
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) tail(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := strings.Split(l.text.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
