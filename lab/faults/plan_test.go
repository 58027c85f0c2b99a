package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"polso/lab"
)

const lease = 400 * time.Millisecond

func TestPlanIsTheSeeds(t *testing.T) {
	differ := false
	for n := 1; n <= 50; n++ {
		a, b := plan(7, n, allFaults, lease), plan(7, n, allFaults, lease)
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("round %d: %v, then %v", n, a, b)
		}
		differ = differ || !reflect.DeepEqual(a, plan(8, n, allFaults, lease))
	}
	if !differ {
		t.Error("another seed decides the same")
	}
}

func TestPlanDealsEveryFault(t *testing.T) {
	for _, faults := range [][]fault{allFaults, {stop}, {cut, transfer}} {
		count := make(map[fault]int)
		rounds := 4 * len(faults)
		for n := 1; n <= rounds; n++ {
			count[plan(3, n, faults, lease).fault]++
		}
		for _, f := range faults {
			if count[f] != 4 {
				t.Errorf("%v of %v: %d of %d rounds, want 4", f, faults, count[f], rounds)
			}
		}
	}
}

// Everything that chance may decide, it decides now and then, and nothing else.
func TestPlanRange(t *testing.T) {
	seen := make(map[string]bool)
	for n := 1; n <= 2000; n++ {
		r := plan(1, n, allFaults, lease)
		seen[fmt.Sprintf("%v director=%v", r.fault, r.director)] = true
		seen[fmt.Sprintf("%v way=%d change=%d back=%v", r.fault, r.way, r.change, r.step < 0)] = true
		switch {
		case r.fault == onePath:
			seen["path "+[]string{"outside", "inside"}[r.path]] = true
		case r.fault == leap && r.step > lease:
			seen["leap beyond a lease"] = true
		case r.fault == leap && r.step > lease/10:
			seen["leap within a lease"] = true
		case r.fault == leap:
			t.Fatalf("%v: nobody could notice", r)
		}
		if r.writers[0] == r.writers[1] || r.writers[0] >= routers || r.writers[1] >= routers {
			t.Fatalf("%v: writers %v", r, r.writers)
		}
		if r.hold > 10*time.Second || r.hold < lease/4 && r.fault != transfer {
			t.Fatalf("%v: held for %v", r, r.hold)
		}
		if r.fault == onePair && r.peer() == r.other && !r.director {
			t.Fatalf("%v: cut from itself", r)
		}
		if r.String() == "" {
			t.Fatalf("round %d has no words", n)
		}
	}
	for _, want := range []string{
		"kill director=true", "kill director=false", "transfer director=true", "cut-one-way way=1 change=0 back=false",
		"cut-one-way way=2 change=0 back=false", "clock way=0 change=0 back=true", "clock way=0 change=0 back=false",
		"membership way=0 change=1 back=false", "membership way=0 change=2 back=false", "membership way=0 change=3 back=false",
		"lease-clock director=true", "lease-clock director=false", "path outside", "path inside", "leap beyond a lease", "leap within a lease",
	} {
		if !seen[want] {
			t.Errorf("never: %s", want)
		}
	}
	if seen["transfer director=false"] {
		t.Error("a transfer from a router that does not direct")
	}
}

func TestBound(t *testing.T) {
	for _, tt := range []struct {
		r    round
		want time.Duration
	}{
		{round{fault: cut}, 0},
		{round{fault: leap, director: true}, 0},
		{round{fault: transfer}, 0},
		{round{fault: kill}, lease + lab.Fenced},
		{round{fault: stop}, lease + lab.Fenced},
		{round{fault: member, change: leaves}, 0},
		{round{fault: member, change: replaced}, lease + lab.Fenced},
	} {
		if got := tt.r.bound(lease); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.r, got, tt.want)
		}
	}
}

func TestParseFaults(t *testing.T) {
	got, err := parseFaults("stop,disk-full")
	if err != nil || fmt.Sprint(got) != "[stop disk-full]" {
		t.Errorf("%v, %v", got, err)
	}
	if all, err := parseFaults(""); err != nil || len(all) != len(allFaults) {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := parseFaults("stop,flood"); err == nil || !strings.Contains(err.Error(), "flood") {
		t.Errorf("an unknown fault: %v", err)
	}
}
