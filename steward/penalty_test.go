package steward

import "testing"

// Among fit routers the smallest penalty directs, and prefer orders equals.
func TestPenalty(t *testing.T) {
	for _, tt := range []struct{ name, scene, want string }{
		{"another has none", "r1 voter converged penalty=10 | r2 voter converged | r3 voter converged", "hand over to r2"},
		{"another has less", "r1 voter converged penalty=10 | r2 voter converged penalty=20 | r3 voter converged penalty=9", "hand over to r3"},
		{"the least first, whoever is preferred", "prefer r2 | r1 voter converged penalty=10 | r2 voter converged penalty=5 | r3 voter converged penalty=1", "hand over to r3"},
		{"of equals, who is preferred", "prefer r3 | r1 voter converged penalty=10 | r2 voter converged | r3 voter converged", "hand over to r3"},
		{"all have as much", "r1 voter converged penalty=10 | r2 voter converged penalty=10 | r3 voter converged penalty=10", ""},
		{"not for long enough", "r1 voter converged penalty=10 for=1999ms | r2 voter converged", ""},
		{"who has less is not fit", "r1 voter converged penalty=10 | r2 voter converged unfit | r3 voter converged penalty=11", ""},
		{"who has less sees less", "r1 voter converged penalty=10 sees=web:3 | r2 voter converged sees=web:0", ""},
		{"unfit: even to who has more", "r1 voter converged unfit | r2 voter converged penalty=10", "hand over to r2"},
		{"a standby's is nobody's business", "r1 voter converged | r2 voter converged penalty=10", ""},
	} {
		if got := diary(Decide(scene(t, "r1", tt.scene))); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	in := scene(t, "r1", "r1 voter converged penalty=10 | r2 voter converged")
	if got, want := Decide(in)[0].Reason, "r2-name has a penalty of 0, this router of 10"; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
	in = scene(t, "r1", "r1 voter converged | r2 voter converged penalty=10 | r3 voter converged")
	for i, want := range []bool{false, true} { // the lead is not handed back to who has more
		if sound, _ := in.fitness(in.Members[i+1]); sound != want {
			t.Errorf("%s is sound: %v", in.Members[i+1].ID, sound)
		}
	}
}
