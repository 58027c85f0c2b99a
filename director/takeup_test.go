package director

import (
	"testing"
	"time"

	"polso/ipvs"
)

// TestWarmTakeoverWaitsForNothing: settings that take long to read, and whatever else a pass does besides reading the table,
// come after the address.
func TestWarmTakeoverWaitsForNothing(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.sys.slow = time.Second
		w.table.slow = 50 * time.Millisecond
		w.lead(1)
		w.wait(75 * time.Millisecond)
		w.expect("taking over", `
 0.050 ip addr add 192.0.2.10 dev eth0
 0.050 announce 192.0.2.10 dev eth0
`)
		w.wait(10 * time.Second)
		w.check("directing", "converged rev 2 web 192.0.2.10 present")
	})
}

// TestTakeoverWithATableThatIsNotWarm: what the last pass left was taken away since. The address comes when the services
// are there again, not before.
func TestTakeoverWithATableThatIsNotWarm(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		have, _, err := w.table.Table()
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range ipvs.Plan(ipvs.Table{Timeouts: have.Timeouts}, have) {
			if err := w.table.Fake.Do(op); err != nil {
				t.Fatal(err)
			}
		}
		w.sys.slow = 100 * time.Millisecond / 8 // so many are read
		w.lead(1)
		w.wait(time.Second)
		w.expect("taking over", `
 0.100 ipvsadm -A -t 192.0.2.10:80 -s wlc
 0.100 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
 0.100 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 1
 0.100 ip addr add 192.0.2.10 dev eth0
 0.100 announce 192.0.2.10 dev eth0
 0.200 announce 192.0.2.10 dev eth0
`)
	})
}
