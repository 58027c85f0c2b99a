package fsm

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/raft"
	"pgregory.net/rapid"

	"polso/config"
)

// Whatever the log: applied twice, or half of it, then through a snapshot, then the rest, the state is the same to the
// byte, and no version that was published earlier has changed.
func TestReplay(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		log := drawLog(t, r)
		cut := rapid.IntRange(0, len(log)).Draw(r, "cut")

		whole := New(Options{})
		published := make([]*Snapshot, 0, len(log)+1)
		texts := make([]string, 0, len(log)+1)
		answers := make([]string, len(log))
		for i := 0; i <= len(log); i++ {
			published = append(published, whole.Load())
			texts = append(texts, textOf(t, whole.Load()))
			if i < len(log) {
				answers[i] = feed(whole, log[i])
			}
		}
		for i, s := range published {
			if got := textOf(t, s); got != texts[i] {
				r.Fatalf("the version after %d entries changed later:\n%s", i, cmp.Diff(texts[i], got))
			}
		}

		again := New(Options{})
		for i := range log {
			if i == cut {
				again = restored(t, textOf(t, again.Load()))
			}
			if got := feed(again, log[i]); got != answers[i] {
				r.Fatalf("entry %d answered %s, then %s", i+1, answers[i], got)
			}
		}
		if d := cmp.Diff(texts[len(log)], textOf(t, again.Load())); d != "" {
			r.Fatalf("through a snapshot after %d entries (-whole +again):\n%s", cut, d)
		}
		opts := []cmp.Option{cmp.AllowUnexported(Snapshot{}), cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}, netip.Prefix{}),
			cmp.Comparer(func(a, b config.Document) bool { return a.Equal(b) })}
		if d := cmp.Diff(whole.Load(), again.Load(), opts...); d != "" {
			r.Fatalf("through a snapshot after %d entries (-whole +again):\n%s", cut, d)
		}
		invariants(r, whole.Load())
	})
}

func feed(f *FSM, l *raft.Log) string {
	if l.Type == raft.LogConfiguration {
		f.StoreConfiguration(l.Index, raft.Configuration{})
		return ""
	}
	return string(f.Apply(l).([]byte))
}

// invariants are what holds in every state.
func invariants(r *rapid.T, s *Snapshot) {
	want := make(map[string]time.Time)
	ends := make(map[string]bool) // of overrides, of which a target may have several
	for i, o := range s.Overrides {
		if !o.Until.IsZero() {
			ends[o.Target+" "+o.Until.String()] = true
		}
		if i > 0 && o.Target+" "+o.About() <= s.Overrides[i-1].Target+" "+s.Overrides[i-1].About() {
			r.Fatalf("overrides are out of order, or two of one kind: %+v", s.Overrides)
		}
		if c := (&change{Snapshot: s}); !c.exists(o.Target) {
			r.Fatalf("override of %s, which is not there", o.Target)
		}
	}
	for _, l := range s.Leaving {
		want[DueLeaving+" "+l.ID] = l.Until
		for _, v := range s.Document.Virtuals {
			for _, server := range v.Servers {
				if v.Service() == l.Virtual.Service() && server.Address == l.Server.Address {
					r.Fatalf("%s leaves and is wanted", l.ID)
				}
			}
		}
	}
	for _, k := range s.Tokens {
		want[DueToken+" "+k.ID] = k.Expires.Add(tokenKept)
	}
	for _, a := range s.Accesses {
		want[DueAccess+" "+a.ID] = a.Expires
		if s.RoleOf(a) == "" {
			r.Fatalf("access token %s is there without who made it", a.ID)
		}
	}
	for i := range s.Users {
		if i > 0 && s.Users[i-1].Name >= s.Users[i].Name {
			r.Fatalf("users are out of order: %+v", s.Users)
		}
	}
	if w := s.Confirm; w.Pending() {
		want[DueConfirm+" "+w.dueID()] = w.Until
		if _, ok := s.Numbered(w.BackTo); !ok || w.Revision != s.Revision || w.BackTo >= w.Revision {
			r.Fatalf("revision %d waits to go back to %d while %d runs, or is not there any more", w.Revision, w.BackTo, s.Revision)
		}
	}
	got := make(map[string]time.Time)
	for i, d := range s.Due {
		if d.Kind != DueOverride {
			got[d.Kind+" "+d.ID] = d.At
		} else if end := d.ID + " " + d.At.String(); ends[end] {
			delete(ends, end)
		} else {
			r.Fatalf("%v is no end of an override: %+v", d, s.Overrides)
		}
		if i > 0 && compareDue(s.Due[i-1], d) >= 0 {
			r.Fatalf("due is out of order: %v", s.Due)
		}
	}
	if d := cmp.Diff(want, got); d != "" || len(ends) > 0 {
		r.Fatalf("due (-want +got):\n%s\nmissing: %v", d, ends)
	}
	for i := range s.History {
		if i > 0 && s.History[i].Number <= s.History[i-1].Number {
			r.Fatalf("revision %d comes after %d", s.History[i].Number, s.History[i-1].Number)
		}
	}
	if n := len(s.History); n > maxHistory || s.Founded() && s.History[n-1].Number != s.Revision {
		r.Fatalf("%d revisions in the history, running %d", n, s.Revision)
	}
	names := make(map[string]bool)
	for _, n := range s.Nodes {
		if names[n.Name] || s.IsRemoved(n.ID) {
			r.Fatalf("node %s is there twice, or removed and there", n.Name)
		}
		names[n.Name] = true
	}
}

// drawLog draws a log from a small world, so that commands meet each other.
func drawLog(t *testing.T, r *rapid.T) []*raft.Log {
	m := &machine{t: t, FSM: New(Options{}), term: 1}
	pick := func(what string, list ...string) string { return rapid.SampledFrom(list).Draw(r, what) }
	seconds := func(what string) time.Time {
		return t0.Add(time.Duration(rapid.IntRange(1, 60).Draw(r, what)) * time.Second)
	}
	confirmed := func() time.Time {
		return t0.Add(time.Duration(rapid.IntRange(12, 13).Draw(r, "confirmed")) * time.Second)
	}
	words := func() string {
		var b strings.Builder
		for _, v := range []string{"Web=10.0.0.1:80", "Mail=10.0.0.2:25"} {
			if !rapid.Bool().Draw(r, "virtual") {
				continue
			}
			b.WriteString(v)
			for i := range 3 {
				if rapid.Bool().Draw(r, "server") {
					fmt.Fprintf(&b, " %s=10.1.0.%d:80", string(rune('a'+i)), rapid.IntRange(i*2, i*2+1).Draw(r, "host"))
				}
			}
			b.WriteByte(' ')
		}
		return b.String()
	}
	target := func() string {
		return pick("target", "server/Web/a", "server/Web/b", "server/Mail/a", "router/r1", "router/r2", "address/10.1.0.0")
	}
	node := func() string { return pick("node", "n1", "n2", "n3", "n4") }
	key := func() string { return pick("key", "k1", "k2") }
	role := func() Role { return Role(pick("role", "viewer", "operator", "admin")) }
	person := func() Actor {
		return rapid.SampledFrom([]Actor{admin, ada, {Kind: ActorUser, Name: "bob"}, {Kind: ActorToken, Name: "a1"}, {Kind: ActorToken, Name: "a2"}}).Draw(r, "person")
	}
	if rapid.IntRange(0, 9).Draw(r, "bare") > 0 { // mostly a cluster, else a log without one
		m.entry(&TakeLead{Node: "n1", Reason: "first"})
		m.entry(found(t))
		m.entry(token("k1", "1"))
	}
	for range rapid.IntRange(1, 30).Draw(r, "entries") {
		switch rapid.IntRange(0, 31).Draw(r, "command") {
		case 0:
			m.term++
			m.entry(&TakeLead{Node: node(), Reason: "leader lost", Took: time.Second})
		case 1, 2, 3, 4:
			d := set(t, words())
			d.LeaveUntil = seconds("leave")
			d.Base = rapid.Uint64Range(0, 4).Draw(r, "base")
			d.Adopt = rapid.Bool().Draw(r, "adopt")
			d.RollbackOf = rapid.SampledFrom([]uint64{0, 0, 0, 1, 99}).Draw(r, "rollback")
			m.entry(d)
		case 5, 6:
			o := &SetOverride{Target: target(), Kind: pick("kind", Drain, Disable, Weight, Up, Down), Beside: rapid.Bool().Draw(r, "beside")}
			if strings.HasPrefix(o.Target, "router/") || strings.HasPrefix(o.Target, "address/") {
				o.Kind = Drain
			}
			o.Beside = o.Beside || strings.HasPrefix(o.Target, "address/") || o.Kind == Up || o.Kind == Down
			if rapid.Bool().Draw(r, "ends") {
				o.Until = seconds("until")
			}
			m.entry(o)
		case 7:
			m.entry(&ClearOverride{Target: target(), About: pick("about", "", AboutTraffic, AboutWeight, AboutHealth)})
		case 8, 9:
			kind := pick("due", DueOverride, DueLeaving, DueToken)
			id := map[string]string{DueOverride: target(), DueLeaving: pick("leaving", "Web/a@2", "Web/b@3"), DueToken: key()}[kind]
			m.entry(&Expire{Due{At: seconds("at"), Kind: kind, ID: id}})
		case 10, 11:
			a := join(node(), pick("name", "r1", "r2", "r3"), key())
			a.Replace = pick("replace", "", "", "r1", "r2")
			m.entry(a)
		case 12:
			m.entry(&RemoveNode{ID: node()})
		case 13:
			m.entry(&UpdateNode{ID: node(), Addresses: []string{pick("address", "10.9.1.2:5390", "10.9.1.9:5390")}})
		case 14:
			k := token(key(), pick("digit", "1", "2", "3"))
			k.Token.Expires = seconds("expires")
			m.entry(k)
		case 15:
			m.entry(&RevokeToken{ID: key()})
		case 16:
			m.entry(&SetProfile{Profile: pick("profile", "lan", "vm", "wan")})
		case 17:
			m.entry(&FinishProfile{Change: rapid.Uint64Range(0, 20).Draw(r, "change"), Reported: []string{"n1", node(), node()}})
		case 18:
			m.entry(&RotateCA{CA: pem + pick("ca", "1", "2")})
		case 19:
			m.entry(&AdvanceCA{Change: rapid.Uint64Range(0, 20).Draw(r, "step"), Reported: []string{"n1", node(), node()}})
		case 20:
			b := restore(t, rapid.Uint64Range(1, 4).Draw(r, "first"), pick("cluster", "c1", "c2"), words(), words())
			b.Base = rapid.Uint64Range(1, 4).Draw(r, "base")
			m.entry(b)
		case 21:
			d := set(t, words())
			d.ConfirmUntil = confirmed()
			m.entry(d)
		case 22:
			m.entry(&Confirm{Revision: rapid.Uint64Range(0, 4).Draw(r, "confirmed")})
		case 24:
			m.entry(&SetUser{User: pick("user", "ada", "bob", "eve"), Role: role(), Hash: pick("hash", "", phc), Generation: rapid.Uint64Range(0, 9).Draw(r, "generation") / 6})
		case 25:
			m.entry(newUser(pick("user", "ada", "bob", "eve"), role()))
		case 26:
			m.entry(&RemoveUser{User: pick("user", "ada", "bob", "eve")})
		case 27, 28:
			a := access(pick("access", "a1", "a2", "a3"), pick("digit", "1", "2", "3"))
			a.Access.Expires, a.Access.Role = seconds("expires"), role()
			m.entryBy(person(), a)
		case 29:
			m.entryBy(person(), &RevokeAccess{ID: pick("access", "a1", "a2", "a3")})
		case 30:
			m.entry(&Expire{Due{At: seconds("at"), Kind: DueAccess, ID: pick("access", "a1", "a2", "a3")}})
		case 31:
			m.entry(&EndSession{Ended{ID: pick("session", "s1", "s2"), Kind: pick("of", ActorUser, ActorToken), Name: pick("session of", "ada", "a1"), Until: seconds("until")}})
		case 23:
			m.entry(&Expire{Due{At: confirmed(), Kind: DueConfirm, ID: pick("waiting", "2", "3", "4")}})
		}
		switch rapid.IntRange(0, 9).Draw(r, "then") {
		case 2: // the last connection of a server that leaves has ended
			m.entry(&EndLeaving{Due{At: seconds("at"), Kind: DueLeaving, ID: pick("leaving", "Web/a@2", "Web/b@3")}})
		case 3: // those of several
			at := seconds("at")
			m.entry(&EndDrains{[]Due{{At: at, Kind: DueLeaving, ID: "Web/a@2"}, {At: at, Kind: DueLeaving, ID: pick("leaving", "Web/b@3", "Web/a@3")}}})
		case 0: // the same request again, as after an unknown outcome
			m.index++
			m.log = append(m.log, &raft.Log{Index: m.index, Term: m.term, Data: m.log[len(m.log)-1].Data})
		case 1: // a membership change
			m.index++
			m.log = append(m.log, &raft.Log{Index: m.index, Term: m.term, Type: raft.LogConfiguration})
			m.entry(&ClearOverride{Target: target()})
		}
	}
	return m.log
}
