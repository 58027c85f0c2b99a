package consensus

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestFailover(t *testing.T) {
	for _, ids := range [][]string{{"a", "b", "c"}, {"a", "b", "c", "d", "e"}} {
		var took []time.Duration
		synctest.Test(t, func(t *testing.T) {
			p := lan(t)
			c := newCluster(t, p, ids...)
			for range 30 {
				l := c.leader()
				time.Sleep(3 * p.H)
				c.net.isolate(l.id)
				began := time.Now()
				c.until("another leader", 10*p.H, func() bool { h := c.holder(); return h != nil && h != l })
				took = append(took, time.Since(began))
				c.net.heal()
				time.Sleep(2 * p.H)
			}
			c.safe()
			c.close()
		})
		slices.Sort(took)
		h := lan(t).H
		t.Logf("%d nodes, H %v: min %v median %v worst %v", len(ids), h, took[0], took[len(took)/2], took[len(took)-1])
		if median := took[len(took)/2]; median > h*3/2 {
			t.Errorf("median failover %v, more than 1.5 H", median)
		}
	}
}
