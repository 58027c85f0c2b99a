package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Status is what `polso status -o json` promises, as far as the laboratory looks at it.
type Status struct {
	Cluster         string `json:"cluster"`
	Node            string `json:"node"`
	Revision        uint64 `json:"revision"`
	AppliedRevision uint64 `json:"applied_revision"`
	Leader          string `json:"leader"`
	Active          string `json:"active"`
	Term            uint64 `json:"term"`
	Lease           struct {
		Held bool `json:"held"`
	} `json:"lease"`
	SyncDaemon struct {
		Master bool `json:"master"`
		Backup bool `json:"backup"`
		Ready  bool `json:"ready"`
	} `json:"sync_daemon"`
	LastFailover struct {
		Reason string `json:"reason"`
	} `json:"last_failover"`
	Confirm *Confirmation `json:"confirm"`
	Profile string        `json:"profile"`
	Fence   string        `json:"fence"`
	Quorum  struct {
		Voters  int `json:"voters"`
		Healthy int `json:"healthy"`
	} `json:"quorum"`
	Members []struct {
		Name    string   `json:"name"`
		Kind    string   `json:"kind"`
		Raft    string   `json:"raft"`
		State   string   `json:"state"`
		Unfit   []string `json:"unfit"`
		Penalty int      `json:"penalty"`
		Paths   []struct {
			Address string `json:"address"`
			State   string `json:"state"`
		} `json:"paths"`
	} `json:"members"`
	VIPs []struct {
		Address netip.Addr `json:"address"`
		On      string     `json:"on"`
		Held    bool       `json:"held"`
	} `json:"vips"`
	Virtuals []struct {
		Name    string `json:"name"`
		Servers []struct {
			Name            string `json:"name"`
			State           string `json:"state"`
			Weight          int    `json:"weight"`
			EffectiveWeight int    `json:"effective_weight"`
			Reason          string `json:"reason"`
		} `json:"servers"`
	} `json:"virtuals"`
}

// Confirmation is a revision that goes back by itself unless it is confirmed.
type Confirmation struct {
	Revision uint64    `json:"revision"`
	BackTo   uint64    `json:"back_to"`
	Until    time.Time `json:"until"`
}

// Scope is whose status is asked for.
type Scope string

// The scopes: the cluster as the leader sees it, and the asked router alone, which needs no leader; each without its servers too, of
// which there may be so many that the question weighs on what is measured.
const (
	Cluster      Scope = "/v1/status"
	Own          Scope = "/v1/status?local=true"
	ClusterBrief Scope = "/v1/status?brief=true"
	OwnBrief     Scope = "/v1/status?local=true&brief=true"
)

// Status asks the router's agent for the document that `polso status -o json` prints.
func (r *Router) Status(ctx context.Context, scope Scope) (s Status, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return s, r.Ask(ctx, http.MethodGet, string(scope), nil, &s)
}

func parseStatus(text []byte) (Status, error) {
	var s Status
	if err := json.Unmarshal(text, &s); err != nil {
		return Status{}, fmt.Errorf("status: %w in %q", err, text)
	}
	return s, nil
}

// ServerState is a server's state ("up", "down", …) as the status has it; "" if it is not there.
func (s Status) ServerState(virtual, server string) string {
	for _, v := range s.Virtuals {
		for _, srv := range v.Servers {
			if v.Name == virtual && srv.Name == server {
				return srv.State
			}
		}
	}
	return ""
}

// Form makes one cluster of the laboratory's routers and witnesses through the command line, as an operator would: init on the first, a
// token, join on the others. Every agent must be running. It returns once every router reports every voter.
func (l *Lab) Form(ctx context.Context, initFlags ...string) error {
	first := l.Routers[0]
	if _, err := first.Polso(ctx, slices.Concat([]string{"init"}, first.advertised(), initFlags)...); err != nil {
		return err
	}
	for _, r := range l.members()[1:] {
		if err := l.Join(ctx, first, r); err != nil {
			return err
		}
	}
	return l.WaitWhole(ctx)
}

// Join makes a router or a witness a member through a router.
func (l *Lab) Join(ctx context.Context, via, r *Router, flags ...string) error {
	token, err := via.Polso(ctx, "token", "create", "--ttl", "1h", "--kind", string(r.kind))
	if err != nil {
		return err
	}
	_, err = r.Polso(ctx, slices.Concat([]string{"join", via.Addr4() + ":5390", "--token", strings.TrimSpace(token)}, r.advertised(), flags)...)
	return err
}

// WaitWhole waits until every member agrees on a leader, counts every one as a healthy voter and has applied the same
// revision.
func (l *Lab) WaitWhole(ctx context.Context) error {
	return Eventually(ctx, startupTimeout, func(ctx context.Context) error {
		var first Status
		all := l.members()
		for i, r := range all {
			s, err := r.Status(ctx, ClusterBrief)
			if err != nil {
				return err
			}
			if i == 0 {
				first = s
			}
			switch {
			case s.Leader == "" || s.Leader != first.Leader:
				return fmt.Errorf("%s sees the leader %q, %s %q", r.Name, s.Leader, l.Routers[0].Name, first.Leader)
			case s.Quorum.Voters != len(all) || s.Quorum.Healthy != len(all):
				return fmt.Errorf("%s counts %d voters, %d healthy", r.Name, s.Quorum.Voters, s.Quorum.Healthy)
			case s.Revision != first.Revision:
				return fmt.Errorf("%s has revision %d, %s %d", r.Name, s.Revision, l.Routers[0].Name, first.Revision)
			}
			// The cluster's status may be the leader's words; what the router itself knows is another question.
			own, err := r.Status(ctx, OwnBrief)
			if err != nil {
				return err
			}
			if own.Revision != first.Revision {
				return fmt.Errorf("%s itself knows revision %d, not yet %d", r.Name, own.Revision, first.Revision)
			}
		}
		return nil
	})
}

// Active waits until exactly one of the routers says that it holds the addresses, and returns it. Routers that do not
// answer are passed over.
func (l *Lab) Active(ctx context.Context) (*Router, error) {
	var active *Router
	err := Eventually(ctx, startupTimeout, func(ctx context.Context) error {
		active = nil
		for _, r := range l.Routers {
			if s, err := r.Status(ctx, OwnBrief); err == nil && s.Lease.Held {
				if active != nil {
					return fmt.Errorf("%s and %s both say they hold", active.Name, r.Name)
				}
				active = r
			}
		}
		if active == nil {
			return fmt.Errorf("no router says it holds")
		}
		return nil
	})
	return active, err
}
