package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"polso/api"
	"polso/consensus/wire"
)

// What a new user runs into: each answer says what, where, why and the next step, and changes nothing.
func TestErrorsOfANewUser(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	r1, r2, r3 := w.nodes[0], w.nodes[1], w.nodes[2]
	ctx := t.Context()
	for _, r := range w.nodes {
		r.start()
	}
	unformed := func(r *router) {
		t.Helper()
		if l, err := r.client.Local(ctx); err != nil || l.Formed {
			t.Errorf("%s is formed (%v, %v), though everything was refused", r.name, l.Formed, err)
		}
	}
	join := func(r *router, addr, token string) error {
		_, err := r.client.Join(ctx, api.JoinRequest{Addresses: []string{addr}, Token: token, Advertise: []string{r.listen}})
		return err
	}
	initialise := func(r api.InitRequest) error {
		_, err := r1.client.Init(ctx, r)
		return err
	}
	here := []string{r1.listen}

	// Before there is a cluster.
	_, err := r1.client.Apply(ctx, api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: edgeHCL}}})
	refused(t, "apply before init", err, api.CodeNotFormed, "belongs to no cluster", "polso init")
	_, err = r1.client.CreateToken(ctx, api.TokenRequest{})
	refused(t, "token before init", err, api.CodeNotFormed, "polso init")
	_, err = r1.client.Transfer(ctx, api.TransferRequest{})
	refused(t, "transfer before init", err, api.CodeNotFormed, "polso init")
	_, err = r1.client.Remove(ctx, "r2")
	refused(t, "remove before init", err, api.CodeNotFormed, "polso init")
	_, err = r1.client.Leave(ctx, api.LeaveRequest{})
	refused(t, "leave before init", err, api.CodeNotFormed, "polso init")
	_, err = r1.client.Announce(ctx, api.AnnounceRequest{})
	refused(t, "announce without an address", err, api.CodeRefused, "holds no address", "polso status")
	refused(t, "unknown profile", initialise(api.InitRequest{Advertise: here, Profile: "warp"}), api.CodeInvalid, `"warp"`, "fast, lan, vm and wan")
	refused(t, "cluster name", initialise(api.InitRequest{Advertise: here, Cluster: "my cluster"}), api.CodeInvalid, `"my cluster"`)
	refused(t, "advertise everything", initialise(api.InitRequest{Advertise: []string{"0.0.0.0"}}), api.CodeInvalid, `"0.0.0.0" cannot be reached`, "the router's own address")
	refused(t, "advertise a name", initialise(api.InitRequest{Advertise: []string{"r1.example"}}), api.CodeInvalid, `"r1.example" is not an IP address`)
	refused(t, "advertise a bad port", initialise(api.InitRequest{Advertise: []string{"10.0.0.1:99999"}}), api.CodeInvalid, `"99999"`)
	taken, err := net.Listen("tcp", r1.listen)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "port taken", initialise(api.InitRequest{Advertise: here}), api.CodeRefused, r1.listen, "address already in use", "ss -ltnp")
	taken.Close()
	unformed(r1)

	// Tokens.
	made, err := r1.client.Init(ctx, api.InitRequest{Cluster: "edge", Advertise: here})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "init twice", initialise(api.InitRequest{Advertise: here}), api.CodeExists, "member of cluster edge already", "polso leave")
	refused(t, "join from within", join(r1, r1.listen, made.Token), api.CodeExists, "member of cluster edge already")
	last := made.Token[len(made.Token)-1]
	typo := made.Token[:len(made.Token)-1] + string('A'+(last-'A'+1)%26)
	refused(t, "mistyped", join(r2, r1.listen, typo), api.CodeInvalid, "mistyped", "copy the whole token")
	refused(t, "cut short", join(r2, r1.listen, made.Token[:40]), api.CodeInvalid, "polso token create")
	refused(t, "no token at all", join(r2, r1.listen, "secret"), api.CodeInvalid, "does not begin with POLSO-1-")
	once, err := r1.client.CreateToken(ctx, api.TokenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = r1.client.RevokeToken(ctx, once.ID); err != nil {
		t.Fatal(err)
	}
	refused(t, "revoked", join(r2, r1.listen, once.Text), api.CodeDenied, "admits nobody", "polso token create")
	brief, err := r1.client.CreateToken(ctx, api.TokenRequest{TTL: 1})
	if err != nil {
		t.Fatal(err)
	}
	w.eventually("a token ends", func() error {
		if list, err := r1.client.Tokens(ctx); err != nil || len(list) != 1 {
			return fmt.Errorf("listed: %+v, %v; want init's alone", list, err)
		}
		return nil
	})
	refused(t, "ended", join(r2, r1.listen, brief.Text), api.CodeDenied, "this token ended at "+brief.Expires.Format(time.RFC3339), "polso token create")
	_, err = r1.client.RevokeToken(ctx, once.ID)
	refused(t, "revoke twice", err, api.CodeNotFound, once.ID)
	_, err = r1.client.CreateToken(ctx, api.TokenRequest{Kind: "observer"})
	refused(t, "unknown kind", err, api.CodeInvalid, `"observer"`, "router", "witness")
	_, err = r1.client.CreateToken(ctx, api.TokenRequest{TTL: 0.001})
	refused(t, "too short", err, api.CodeInvalid, "one second to 30 days")
	if _, err := r3.client.Init(ctx, api.InitRequest{Cluster: "other", Advertise: []string{r3.listen}}); err != nil {
		t.Fatal(err)
	}
	foreign, err := r3.client.CreateToken(ctx, api.TokenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "token of another cluster", join(r2, r1.listen, foreign.Text), api.CodeDenied, "of another cluster", r1.listen)
	nobody := freePort(t)
	refused(t, "nobody answers", join(r2, nobody, made.Token), api.CodeUnreachable, "no member answers at "+nobody, "connection refused", "polso agent")
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { // something that is no Polso: it greets and hangs up
		for {
			c, err := other.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("220 mail.example ESMTP\r\n"))
			c.Close()
		}
	}()
	refused(t, "something else answers", join(r2, other.Addr().String(), made.Token), api.CodeUnreachable, other.Addr().String(), "polso agent")
	other.Close()
	unformed(r2)
	few, err := r1.client.CreateToken(ctx, api.TokenRequest{Uses: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := join(r2, r1.listen, few.Text); err != nil {
		t.Fatal(err)
	}
	if _, err := r3.client.Leave(ctx, api.LeaveRequest{}); err != nil {
		t.Fatal(err)
	}
	refused(t, "used up", join(r3, r1.listen, few.Text), api.CodeDenied, "used up", "--uses")

	// Members.
	for _, r := range []*router{r1, r2} { // asked of the leader and through another
		_, err = r.client.Transfer(ctx, api.TransferRequest{To: "r9"})
		refused(t, "transfer to nobody", err, api.CodeNotFound, `"r9"`, "r1, r2", "polso members")
		_, err = r.client.Transfer(ctx, api.TransferRequest{To: "r1"})
		refused(t, "transfer to the director", err, api.CodeRefused, "r1 is the director already")
		_, err = r.client.Transfer(ctx, api.TransferRequest{To: "r2"})
		refused(t, "transfer to a learner", err, api.CodeRefused, "r2 has no vote yet")
		_, err = r.client.Transfer(ctx, api.TransferRequest{})
		refused(t, "transfer with one voter", err, api.CodeRefused, "no other router could take over")
		_, err = r.client.Remove(ctx, r.name)
		refused(t, "remove oneself", err, api.CodeRefused, r.name+" is this router", "polso leave")
		_, err = r.client.Remove(ctx, "r9")
		refused(t, "remove nobody", err, api.CodeNotFound, `"r9"`)
		_, err = r.client.Apply(ctx, api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: edgeHCL}}, Base: 7})
		refused(t, "conflict", err, api.CodeConflict, "revision 1 runs now", "polso plan")
	}

	// A quorum is lost.
	if err := join(r3, r1.listen, made.Token); err != nil {
		t.Fatal(err)
	}
	r1.status("three voters", settled(3, 1))
	r2.halt()
	w.eventually("the others go on without r2", func() error {
		if st, err := r1.client.Status(ctx); err != nil || st.Quorum.Healthy != 2 {
			return errors.Join(fmt.Errorf("%d voters answer", st.Quorum.Healthy), err)
		}
		return nil
	})
	_, err = r3.client.Leave(ctx, api.LeaveRequest{})
	refused(t, "leave while another is down", err, api.CodeRefused, "would have no majority", "no answer from r2", "polso remove router r2")
	_, err = r1.client.Remove(ctx, "r3")
	refused(t, "remove while another is down", err, api.CodeRefused, "would have no majority", "polso remove router r2")
	r3.halt()
	w.eventually("r1 knows no leader", func() error {
		if l, err := r1.client.Local(ctx); err != nil || l.Leader != "" {
			return errors.Join(errors.New("leader "+l.Leader), err)
		}
		return nil
	})
	_, err = r1.client.Apply(ctx, api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: edgeHCL}}})
	refused(t, "apply without a quorum", err, api.CodeNoLeader, "no leader; writes are refused", "2 of the 3 voters")
	_, err = r1.client.Status(ctx)
	refused(t, "status without a quorum", err, api.CodeNoLeader, "2 of the 3 voters", "polso status --local")
	_, err = r1.client.Transfer(ctx, api.TransferRequest{})
	refused(t, "transfer without a quorum", err, api.CodeNoLeader, "no leader")
	_, err = r1.client.Leave(ctx, api.LeaveRequest{})
	refused(t, "leave without a quorum", err, api.CodeNoLeader, "polso leave --force")
	if l, err := r1.client.Local(ctx); err != nil || l.Revision != 1 || l.Health != api.Down || l.Lease.Held {
		t.Errorf("local: %+v, %v; want revision 1, DOWN, no lease", l, err)
	}

	// A router that restarts without a quorum knows that it is a member, and that what it has may be old.
	r1.halt()
	r1.start()
	files := []api.File{{Name: "edge.hcl", Text: edgeHCL}}
	var all sync.WaitGroup
	for what, ask := range map[string]func() error{
		"history":      func() error { _, err := r1.client.History(ctx, 20); return err },
		"show":         func() error { _, err := r1.client.Document(ctx); return err },
		"show 1":       func() error { _, err := r1.client.Revision(ctx, 1); return err },
		"plan":         func() error { _, err := r1.client.Plan(ctx, api.PlanRequest{Files: files}); return err },
		"apply":        func() error { _, err := r1.client.Apply(ctx, api.ApplyRequest{Files: files}); return err },
		"rollback":     func() error { _, err := r1.client.Rollback(ctx, api.RollbackRequest{}); return err },
		"token list":   func() error { _, err := r1.client.Tokens(ctx); return err },
		"token create": func() error { _, err := r1.client.CreateToken(ctx, api.TokenRequest{}); return err },
		"token revoke": func() error { _, err := r1.client.RevokeToken(ctx, few.ID); return err },
		"remove":       func() error { _, err := r1.client.Remove(ctx, "r2"); return err },
	} {
		all.Go(func() {
			refused(t, what+" after a restart without a quorum", ask(), api.CodeNoLeader, "2 of the 3 voters", "polso status --local")
		})
	}
	all.Wait()

	// As soon as there is one again, a router that has only just started waits for what it has missed.
	r2.start()
	if h, err := r2.client.History(ctx, 20); err != nil || len(h) != 1 {
		t.Errorf("history right after a restart: %+v, %v; want the one revision", h, err)
	}

	// A router that is removed while it is down learns it when it comes back, from being refused, and may leave.
	r1.status("two voters answer", func(st api.Status) error {
		if st.Quorum.Healthy != 2 {
			return fmt.Errorf("%d voters answer", st.Quorum.Healthy)
		}
		return nil
	})
	w.eventually("r3 is removed", func() error {
		_, err := r1.client.Remove(ctx, "r3")
		if api.CodeOf(err) == api.CodeNotFound { // an election on a busy machine took the answer
			return nil
		}
		return err
	})
	r3.start()
	w.eventually("r3 learns that it was removed", func() error {
		l, err := r3.client.Local(ctx)
		if err != nil || len(l.Problems) == 0 || !strings.Contains(l.Problems[0].Why, "refuse this router: was it removed from cluster edge?") {
			return fmt.Errorf("problems %+v, %v", l.Problems, err)
		}
		return nil
	})
	_, err = r3.client.Status(ctx)
	refused(t, "status of a removed router", err, api.CodeRefused, "was it removed from cluster edge?", "polso leave", "polso rejoin")
	_, err = r3.client.History(ctx, 20)
	refused(t, "history of a removed router", err, api.CodeRefused, "was it removed from cluster edge?")
	if _, err := r3.client.Leave(ctx, api.LeaveRequest{}); err != nil {
		t.Errorf("leave after a removal: %v", err)
	}
	unformed(r3)
}

// One that errs does not talk a router out of its cluster.
func TestAllRefuse(t *testing.T) {
	const unasked, silent, accepts, refuses = wire.Unasked, wire.Silent, wire.Accepts, wire.Refuses
	for _, test := range []struct {
		name    string
		answers []wire.Answer
		want    bool
	}{
		{"alone", nil, false},
		{"nobody answers", []wire.Answer{silent, silent}, false},
		{"all refuse", []wire.Answer{refuses, refuses}, true},
		{"one refuses, one accepts", []wire.Answer{refuses, accepts}, false},
		{"two refuse, one accepts", []wire.Answer{refuses, refuses, accepts}, false},
		{"one refuses, the other was not asked yet", []wire.Answer{refuses, unasked}, false},
		{"one refuses, the other is gone", []wire.Answer{refuses, silent}, true},
		{"a majority refuses, the rest was not asked yet", []wire.Answer{refuses, refuses, unasked}, true},
	} {
		if got := allRefuse(test.answers); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// What keeps an agent from starting.
func TestAgentDoesNotStart(t *testing.T) {
	w := newNetwork(t, 1)
	r := w.nodes[0]
	r.start()
	if err := os.WriteFile(w.dir+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(w.dir+"/full/of/other", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		edit func(*Options)
		want []string
	}{
		{"data directory in use", func(o *Options) { o.Socket += "2" }, []string{r.home(), "another process has it open", "--data-dir"}},
		{"socket in use", func(o *Options) { o.DataDir += "2" }, []string{r.socket(), "another agent answers there", "--socket"}},
		{"data directory is a file", func(o *Options) { o.DataDir = w.dir + "/file" }, []string{w.dir + "/file", "not a directory"}},
		{"data directory is somebody else's", func(o *Options) { o.DataDir = w.dir + "/full" }, []string{w.dir + "/full"}},
		{"a socket's path that is too long", func(o *Options) { o.Socket = "/run/" + strings.Repeat("x", 103) },
			[]string{"socket: /run/xxx", "has 108 bytes", "at most 107"}},
		{"everything wrong at once", func(o *Options) {
			*o = Options{Name: "r 1", Kernel: "fake", Listen: []string{"router.example", "10.0.0.1:x"}, openEdges: o.openEdges}
		}, []string{`name "r 1"`, `kernel "fake"`, "socket: a path", "data-dir: a directory", `"router.example" is not an IP address`, `"x"`}},
	} {
		o := r.options()
		test.edit(&o)
		err := Run(t.Context(), o)
		if err == nil {
			t.Errorf("%s: it started", test.name)
			continue
		}
		for _, part := range test.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q lacks %q", test.name, err, part)
			}
		}
	}
	if _, err := r.client.Local(t.Context()); err != nil {
		t.Errorf("the agent that runs was disturbed: %v", err)
	}
}

// Without privileges the next step is one that helps, also to those who have some.
func TestNotPermitted(t *testing.T) {
	err := fmt.Errorf("socket: %w", &fs.PathError{Op: "mkdir", Path: "/run/polso", Err: fs.ErrPermission})
	refused(t, "an agent", permitted(err, Options{}), api.CodeDenied, "mkdir /run/polso", "--data-dir and --socket", "polso agent --dev --socket /tmp/polso.sock")
	refused(t, "with --dev", permitted(err, Options{Dev: true}), api.CodeDenied, "mkdir /run/polso", "polso agent --dev --socket /tmp/polso.sock",
		"export POLSO_ADDR=unix:///tmp/polso.sock")
	refused(t, "the lock", permitted(notLocked(err), Options{}), api.CodeDenied, "lock of the network namespace", "RuntimeDirectory=polso", "chown -R USER /run/polso")
	if got := permitted(fs.ErrExist, Options{}); got != fs.ErrExist {
		t.Errorf("any other error became %v", got)
	}
}

// An agent that cannot start for want of IPVS leaves nothing behind.
func TestNoIPVS(t *testing.T) {
	if privileged() != nil || hasTable(RealKernel) == nil {
		t.Skip("only with privileges, on a kernel without IPVS")
	}
	dir := t.TempDir()
	err := Run(t.Context(), Options{Name: "r1", DataDir: filepath.Join(dir, "data"), Socket: filepath.Join(dir, "s")})
	refused(t, "start", err, api.CodeRefused, "this kernel has no IPVS", "--kernel simulated")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A socket that a killed agent left behind is no obstacle; the data directory of another node's store is.
func TestAgentStartsAfterACrash(t *testing.T) {
	w := newNetwork(t, 1)
	r := w.nodes[0]
	l, err := net.Listen("unix", r.socket())
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	r.start()
	if _, err := r.client.Init(t.Context(), api.InitRequest{Advertise: []string{r.listen}}); err != nil {
		t.Fatal(err)
	}
	r.halt()
	if _, err := os.Stat(r.socket()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}

	emptied := r.home() + "/raft"
	if err := os.RemoveAll(emptied); err != nil {
		t.Fatal(err)
	}
	r.start()
	_, err = r.client.Status(t.Context())
	refused(t, "status without its store", err, api.CodeRefused, "this router's data of cluster polso cannot be used", emptied, "polso rejoin")
}

// Two agents in one network namespace would take each other's addresses down: the second does not start.
func TestOneAgentInANetworkNamespace(t *testing.T) {
	lock, err := alone()
	if err != nil {
		t.Skipf("an agent runs on this machine: %v", err)
	}
	_, err = alone()
	refused(t, "a second agent", err, api.CodeRefused, "an agent runs in this network namespace already", "stop it first")
	_, err = openKernel(Options{Kernel: SimulatedKernel})
	refused(t, "the kernel of a second agent", err, api.CodeRefused, "an agent runs")
	if missing, err := missingCapabilities(); err == nil && len(missing) == 0 {
		_, err = Release(context.Background(), Remains{DataDir: t.TempDir()}, Addresses)
		refused(t, "release beside an agent", err, api.CodeRefused, "an agent runs")
	}
	lock.Close()
	again, err := alone()
	if err != nil {
		t.Fatalf("after the first has gone: %v", err)
	}
	again.Close()
}
