package web

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"polso/api"
	"polso/fsm"
)

// cluster is a backend whose members, addresses and virtual servers a test says, and that notes what it is asked to do.
type cluster struct {
	*backend
	status  api.Status
	own     map[string]api.Status // what a member says of itself
	found   api.Findings
	table   api.IPVS
	certs   api.Certificates
	profile api.Profile
	asked   []string
	refuses error // what the next thing that is asked for is refused with
}

// newCluster has three members: r1 directs, r2 is drained, w1 is a witness that does not answer.
func newCluster(t testing.TB) *cluster {
	t.Helper()
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	end := at.Add(24 * time.Hour)
	conflict := &api.Conflict{Count: 3, MAC: "02:00:00:00:00:09", At: at}
	st := api.Status{
		Schema: api.Schema, Cluster: "edge", Node: "r1", Formed: true, Revision: 7, AppliedRevision: 7, Converged: true, Leader: "r1", Active: "r1", ActiveSince: &at, Term: 4,
		Lease: api.Lease{Held: true, ExpiresIn: 0.2, Epoch: 4}, Profile: "lan", Quorum: api.Quorum{Voters: 3, Healthy: 2, CanLose: 0}, Health: api.Degraded,
		LastFailover: &api.Failover{From: "r2", To: "r1", At: at, Reason: "leader lost", Seconds: 0.31},
		SyncDaemon:   &api.SyncDaemon{Interface: "eth1", ID: 7, Master: true, Backup: true, Ready: true},
		Problems:     []api.Problem{{Node: "w1", What: "member", Why: "does not answer", Fix: "start it"}},
		Members: []api.Member{
			{ID: "n1", Name: "r1", Kind: "router", Raft: "leader", State: "up", Addresses: []string{"10.9.0.11:5390"}, Version: "1.0.0", Started: &at, Sees: &api.Sees{Up: 3}},
			{ID: "n2", Name: "r2", Kind: "router", Raft: "follower", State: "drain", Addresses: []string{"10.9.0.12:5390", "172.16.0.12:5390"}, Behind: 5, Contact: 0.04,
				Paths: []api.Path{{Address: "172.16.0.12:5390", State: "down"}}, Unfit: []string{"link eth0 is down"},
				Checks:  []api.RouterCheck{{Name: "gateway", State: "down", Reason: "no answer", Penalty: 2}},
				Drained: &api.Drained{By: "bob", At: at, Until: &end, Reason: "new <disk>"}, Sees: &api.Sees{Up: 2, Down: 1}},
			{ID: "n3", Name: "w1", Kind: "witness", Raft: "follower", State: "down", Addresses: []string{"10.9.0.13:5390"}},
		},
		VIPs: []api.VIP{
			{Name: "web", Address: "192.0.2.10", Group: "default", On: "r1", Interface: "eth0", Held: true, Announced: &at, Virtuals: []string{"web"}, Conflict: conflict},
			{Name: "spare", Address: "192.0.2.11", Group: "default"},
		},
		Virtuals: []api.Virtual{
			{Name: "mail", Address: "192.0.2.11", Ports: []uint16{25}, Protocol: "tcp", State: "up", Rates: api.Rates{Connections: 5}},
			{Name: "web", Address: "192.0.2.10", Ports: []uint16{80, 443}, Protocol: "tcp", State: "down", Reason: "1 of 2 needed", Servers: []api.Server{
				{Name: "a", Address: "10.1.0.1", Port: 80, State: "up", Active: 3},
				{Name: "b", Address: "10.1.0.2", Port: 80, State: "down", Views: []api.View{{Router: "r1", State: "up"}, {Router: "r2", State: "down", Reason: "tcp: connection refused"}}},
			}},
		},
	}
	own := map[string]api.Status{
		"r1": {Node: "r1", Leader: "r1", Revision: 7, AppliedRevision: 7, Converged: true, Kernel: "real", Fence: "nftables", Health: api.Healthy, VIPs: st.VIPs,
			Sysctls: []api.Sysctl{{Name: "net.ipv4.vs.conntrack", Value: "1", Wanted: "1", Found: "0", State: "set", For: "nat"}}},
		"r2": {Node: "r2", Leader: "r1", Revision: 6, Kernel: "real", Fence: "none",
			Sysctls: []api.Sysctl{{Name: "net.ipv4.vs.conntrack", Value: "0", Wanted: "1", State: "differs", For: "nat", Against: "keep says 0"}}},
	}
	b := newBackend(t) // whose admin alice is
	if _, err := b.Propose(t.Context(), fsm.Actor{Kind: "local", Name: "root"}, "alice", &fsm.SetUser{User: "alice", Role: fsm.Admin, Hash: "$none", New: true}); err != nil {
		t.Fatal(err)
	}
	return &cluster{
		backend: b, status: st, own: own,
		found: api.Findings{Node: "r1", Findings: []api.Finding{{Name: "clock", Level: "ok", Detail: "fine"}, {Name: "voters", Level: "warn", Detail: "2", Fix: "join another"}, {Name: "ipvs", Level: "fail", Detail: "gone"}}},
		table: api.IPVS{Node: "r1", Text: "IP Virtual Server version 1.2.1\nTCP  192.0.2.10:80 wlc\n", Services: []api.IPVSService{{Service: "tcp 192.0.2.10:80"}}},
		certs: api.Certificates{Node: "r1", CAKey: true, Certificate: api.Certificate{Identity: "polso://c/1/router/n1", Serial: "7f", Fingerprint: "f1", Pin: "p1", NotBefore: at, NotAfter: &end},
			CA: api.Certificate{Identity: "polso://c/1/ca/ca", Pin: "p2"}, OtherCA: &api.Certificate{Pin: "p3"}, Change: &api.CAChange{Step: "issue", Waiting: []string{"w1"}}},
		profile: api.Profile{Profile: "lan", H: 0.4, Known: []api.KnownProfile{{Name: "lan", H: 0.4}, {Name: "wan", H: 3}}, Change: &api.ProfileChange{To: "wan", Step: "both", Waiting: []string{"w1"}}},
	}
}

// note writes down what was asked for.
func (c *cluster) note(format string, args ...any) error {
	c.asked = append(c.asked, fmt.Sprintf(format, args...))
	err := c.refuses
	c.refuses = nil
	return err
}

// visit is somebody of that role in front of the pages.
func (c *cluster) visit(t *testing.T, role fsm.Role) visitor {
	t.Helper()
	return visitor{t, newSite(t, api.New(c, api.Version{})), role}
}

// wasAsked fails unless nothing else was asked for since the last time.
func (c *cluster) wasAsked(t testing.TB, want ...string) {
	t.Helper()
	if got := fmt.Sprint(c.asked); got != fmt.Sprint(want) {
		t.Errorf("asked for %s, want %s", got, fmt.Sprint(want))
	}
	c.asked = nil
}

func (c *cluster) Status(_ context.Context, d api.Detail) (api.Status, error) {
	st := c.status
	if d == api.Brief {
		st.Virtuals = nil
	}
	if st.Leader == "" {
		return api.Status{}, api.Errorf(api.CodeNoLeader, "no leader")
	}
	return st, nil
}

func (c *cluster) Virtuals(_ context.Context, r api.VirtualsRequest) (api.Virtuals, error) {
	out := api.Virtuals{All: len(c.status.Virtuals), States: map[string]int{}}
	for _, v := range c.status.Virtuals {
		out.States[v.State]++
		if r.State == "" || r.State == v.State {
			out.Virtuals = append(out.Virtuals, api.Listed(v))
		}
	}
	if r.Order == api.ByTrouble {
		slices.SortStableFunc(out.Virtuals, func(a, b api.ListedVirtual) int { return strings.Compare(a.State, b.State) }) // down before up
	}
	return out, nil
}

func (c *cluster) Local(api.Detail) api.Status { return c.status }

func (c *cluster) LocalOf(_ context.Context, name string, _ api.Detail) (api.Status, error) {
	if st, ok := c.own[name]; ok {
		return st, nil
	}
	return api.Status{}, api.Errorf(api.CodeUnreachable, "router %s does not answer", name)
}

func (c *cluster) IPVS(_ context.Context, r api.IPVSRequest) (api.IPVS, error) {
	return c.table, c.note("ipvs %s %s", r.On, r.Layout)
}

func (c *cluster) Doctor(_ context.Context, on string) (api.Findings, error) {
	return c.found, c.note("doctor %s", on)
}

func (c *cluster) Announce(context.Context, api.AnnounceRequest) (api.Done, error) {
	return api.Done{Done: []string{"Announcing."}}, c.note("announce")
}

func (c *cluster) CreateToken(_ context.Context, _ fsm.Actor, r api.TokenRequest) (api.Token, error) {
	return api.Token{ID: "t1", Text: "POLSO-1-A-B", Kind: r.Kind, Uses: r.Uses, Expires: time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)}, c.note("token %s %v %d", r.Kind, r.TTL, r.Uses)
}

func (c *cluster) Transfer(_ context.Context, r api.TransferRequest) (api.Transferred, error) {
	return api.Transferred{From: "r1", To: r.To, Seconds: 0.042, Note: "it stays there"}, c.note("transfer %s", r.To)
}

func (c *cluster) Remove(_ context.Context, _ fsm.Actor, name string) (api.Done, error) {
	return api.Done{Done: []string{"Router " + name + " is out."}}, c.note("remove %s", name)
}

func (c *cluster) Leave(_ context.Context, _ fsm.Actor, r api.LeaveRequest) (api.Done, error) {
	return api.Done{Done: []string{"It has left."}}, c.note("leave %v", r.Force)
}

func (c *cluster) Certificates(context.Context) (api.Certificates, error) { return c.certs, nil }

func (c *cluster) RotateCertificates(_ context.Context, _ fsm.Actor, r api.RotateRequest) (api.Done, error) {
	return api.Done{Done: []string{"It is new."}, Warnings: []string{"w1 does not answer"}}, c.note("rotate %v %v", r.All, r.CA)
}

func (c *cluster) Profile(context.Context) (api.Profile, error) {
	if c.profile.Profile == "" {
		return api.Profile{}, errors.New("none")
	}
	return c.profile, nil
}

func (c *cluster) SetProfile(_ context.Context, _ fsm.Actor, r api.ProfileRequest) (api.Done, error) {
	return api.Done{Done: []string{"It changes."}}, c.note("profile %s", r.Profile)
}
