package director

import (
	"testing"
	"time"

	"polso/config"
	"polso/ipvs"
)

// TestColdTakeover: the table before the address when coming, the address before the table when going.
func TestColdTakeover(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		doc := document(web("a"))
		doc.Cluster.Standby = config.Cold
		w.know(2, doc)
		w.say("web/a up")
		w.expect("standing by", ``)
		w.lead(1)
		w.expect("taking over", `
 0.000 ipvsadm -A -t 192.0.2.10:80 -s wlc
 0.000 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
 0.000 ip addr add 192.0.2.10 dev eth0
 0.000 announce 192.0.2.10 dev eth0
`)
		w.withdraw()
		w.expect("standing down", `
 0.000 ip addr del 192.0.2.10 dev eth0
`)
		w.change(func() { w.state.OtherLeads = true })
		w.expect("another leads", `
 0.000 ipvsadm -D -t 192.0.2.10:80
`)
		w.check("standing by", "converged rev 2")
	})
}

// TestColdBlip: the lead is lost and regained, and nobody else had it: no service goes, no connection is cut.
func TestColdBlip(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		doc := document(web("a"))
		doc.Cluster.Standby = config.Cold
		w.know(2, doc)
		w.say("web/a up")
		w.lead(1)
		w.wait(6 * time.Second)
		w.forget()
		w.withdraw()
		w.wait(7 * time.Second)
		w.expect("no leader", `
 0.000 ip addr del 192.0.2.10 dev eth0
`)
		w.check("no leader", "converged rev 2")
		w.lead(2)
		w.expect("regained", `
 0.000 ip addr add 192.0.2.10 dev eth0
 0.000 announce 192.0.2.10 dev eth0
`)
		w.check("regained", "converged rev 2 web 192.0.2.10 present")
	})
}

// TestColdRestart: a fresh process of a cold router leaves its predecessor's table until it knows that another leads.
func TestColdRestart(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		for _, op := range ipvs.Plan(*table80("10.0.0.1:80 5"), ipvs.Table{}) {
			if err := w.table.Foreign(op); err != nil {
				t.Fatal(err)
			}
		}
		w.start()
		doc := document(web("a"))
		doc.Cluster.Standby = config.Cold
		w.know(2, doc)
		w.say("web/a up")
		w.wait(time.Minute)
		w.expect("nobody leads", ``)
		w.change(func() { w.state.OtherLeads = true })
		w.expect("another leads", `
 0.000 ipvsadm -D -t 192.0.2.10:80
`)
		if drift := w.d.Status().Drift; drift != 0 {
			t.Errorf("drift %d: the table was nobody else's", drift)
		}
	})
}
