package web

import (
	"context"
	"net/http"
	"testing"

	"polso/api"
	"polso/fsm"
)

// counted is a cluster that counts how often it is looked at in brief.
type counted struct {
	*cluster
	looks, own int
}

func (c *counted) Status(ctx context.Context, d api.Detail) (api.Status, error) {
	if d == api.Brief {
		c.looks++
	}
	return c.cluster.Status(ctx, d)
}

func (c *counted) Local(d api.Detail) api.Status {
	if d == api.Brief {
		c.own++
	}
	return c.cluster.Local(d)
}

func (c *counted) Virtual(_ context.Context, r api.VirtualRequest) (api.VirtualPage, error) {
	return api.VirtualPage{Virtual: api.Listed(c.status.Virtuals[1]), Total: 2}, nil
}

// A page and the frame around it are of one look at the cluster, with a leader and without.
func TestOneLook(t *testing.T) {
	c := &counted{cluster: newCluster(t)}
	c.run(t, "virtual \"web\" {\n  address = \"192.0.2.10\"\n  port = 80\n}\n")
	v := visitor{t, newSite(t, api.New(c, api.Version{})), fsm.Admin}
	for _, leader := range []string{"r1", ""} {
		c.status.Leader = leader
		for _, path := range []string{
			"/monitoring", "/monitoring/ipvs", "/monitoring/timeline", "/redundancy", "/redundancy/leave", "/redundancy/routers/r1/transfer",
			"/virtuals", "/virtuals/web", "/virtuals/web/monitoring", "/changes", "/account", "/nowhere", "/sign-in",
		} {
			c.looks, c.own = 0, 0
			if got := v.get(path); got.code >= http.StatusInternalServerError && leader != "" {
				t.Errorf("%s: status %d", path, got.code)
			}
			if c.looks != 1 || c.own != 1 {
				t.Errorf("%s, leader %q: asked %d times for the cluster and %d times for the router, want once each", path, leader, c.looks, c.own)
			}
		}
	}
}
