package lab

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

// reported is how long what one router sees may take to be the others' knowledge: each is asked once a second, and told, and under
// emulation not every question is answered in time.
const reported = 5 * time.Second

// votes: a server that one router alone cannot see stays on it; what two of three do not see goes on both, while the third, which
// sees it, goes by its own eyes.
func votes(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l)
	s := sceneOf(t, ctx, l)
	s.apply(s.echo("  votes = 2\n", timed(`check "http"`, s.every, "port = 80"), "a", "b", "c") + "}\n")
	s.within(startupTimeout, "votes", "a 1", "b 1", "c 1")
	director, err := l.Active(ctx)
	must(t, err)
	others := slices.DeleteFunc(slices.Clone(l.Routers), func(r *Router) bool { return r == director })
	standby, third := others[0], others[1]
	route := func(verb string, to *Router) {
		t.Helper()
		must(t, l.Servers["a"].Batch(ctx, "route "+verb+" blackhole "+to.Addr4()+"/32"))
	}
	// What its checks say there, whatever the table follows.
	sees := func(r *Router, state string) {
		t.Helper()
		must(t, Eventually(ctx, s.hung+pace, func(ctx context.Context) error {
			st, err := r.Status(ctx, Own)
			if got := st.ServerState("echo", "a"); err == nil && got != state {
				err = fmt.Errorf("%s sees a %s, want %s", r.Name, got, state)
			}
			return err
		}))
	}

	route("add", standby)
	sees(standby, "down")
	s.stays(2*time.Second, "one router does not see a", "a 1", "b 1", "c 1")
	route("add", director)
	s.at(director, standby).within(s.hung+reported, "two do not see a", "b 1", "c 1")
	s.at(third).stays(time.Second, "the third does", "a 1", "b 1", "c 1")
	route("del", standby)
	s.within(s.back+reported, "one alone does not see a again", "a 1", "b 1", "c 1")
	route("del", director)
	sees(director, "up")
	s.within(0, "everybody sees it", "a 1", "b 1", "c 1")
}
