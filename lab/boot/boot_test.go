package boot

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestModeNames(t *testing.T) {
	for _, m := range []Mode{Auto, Direct, Virtual} {
		if got, err := ParseMode(m.String()); got != m || err != nil {
			t.Errorf("ParseMode(%v) = %v, %v", m, got, err)
		}
	}
	if _, err := ParseMode("kvm"); err == nil {
		t.Error("an unknown mode is accepted")
	}
}

func TestParseNeed(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Need
		ok   bool
	}{
		{"keepalived", Need{"keepalived", "keepalived"}, true},
		{"arping=iputils-arping", Need{"arping", "iputils-arping"}, true},
		{"=x", Need{}, false},
		{"x=", Need{}, false},
		{"", Need{}, false},
	} {
		if got, err := ParseNeed(tt.in); got != tt.want || (err == nil) != tt.ok {
			t.Errorf("ParseNeed(%q) = %v, %v", tt.in, got, err)
		}
	}
}

func TestInstallSaysWhatIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // no apt-get, nothing
	var said bytes.Buffer
	if err := install(t.Context(), &said, nil); err != nil {
		t.Errorf("nothing is missing: %v", err)
	}
	err := install(t.Context(), &said, []Need{{"no-such-program", "its-package"}, {"no-such-other", "its-package"}})
	if err == nil || !strings.Contains(err.Error(), "missing: its-package, and there is no apt-get") {
		t.Errorf("got %v", err)
	}
}

func TestRunWantsACommand(t *testing.T) {
	if _, err := Run(t.Context(), Options{}); err == nil {
		t.Error("no error")
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("POLSO_LAB", "")
	t.Setenv("POLSO_LAB_LONG", "1")
	t.Setenv("POLSO_LAB_ARTIFACTS", "/outside")
	t.Setenv("SECRET", "x")
	o := Options{Artifacts: "/inside"}
	env := o.environment()
	for _, want := range []string{"POLSO_LAB=require", "POLSO_LAB_LONG=1", "POLSO_LAB_ARTIFACTS=/inside", "TMPDIR=/run/tmp"} {
		if !slices.Contains(env, want) {
			t.Errorf("no %s in %v", want, env)
		}
	}
	for _, e := range env {
		if strings.HasPrefix(e, "SECRET=") || e == "POLSO_LAB_ARTIFACTS=/outside" || e == "POLSO_LAB=" {
			t.Errorf("%s is handed in", e)
		}
	}
	t.Setenv("POLSO_LAB", "on")
	if env := o.environment(); !slices.Contains(env, "POLSO_LAB=on") || slices.Contains(env, "POLSO_LAB=require") {
		t.Errorf("what the caller says does not count: %v", env)
	}
}

func TestKVMThatGivesUp(t *testing.T) {
	unfit := false
	c := &complaints{unfit: func() { unfit = true }}
	fmt.Fprint(c, "qemu-system-x86_64: warning: something\nKVM inter")
	if unfit {
		t.Error("a warning is taken for the end")
	}
	fmt.Fprint(c, "nal error. Suberror: 1\nemulation failure\n")
	if !unfit {
		t.Error("it is not noticed")
	}
	o, k := Options{CPUs: 2, Memory: "1G"}, kernel{}
	for by, want := range map[accelerator]string{native: "-accel kvm -cpu host", emulated: "-accel tcg,thread=multi -cpu max"} {
		if got := strings.Join(arguments(o, k, by, "", ""), " "); !strings.HasPrefix(got, want) {
			t.Errorf("%s: qemu %s", by, got)
		}
		if slow := slices.Contains(machine(by), "POLSO_LAB_EMULATED=1"); slow != (by == emulated) {
			t.Errorf("%s: the command is told %v", by, machine(by))
		}
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	wrapped := func(err error) error { return fmt.Errorf("virtual machine: %w", err) }
	for name, tt := range map[string]struct {
		by    accelerator
		err   error
		times int
		last  accelerator
	}{
		"a command that ended":                  {native, nil, 0, native},
		"KVM that gives up":                     {native, errUnfit, 1, emulated},
		"KVM under which qemu ends at once":     {native, wrapped(errNeverReady), boots, emulated},
		"an emulated machine that never boots":  {emulated, wrapped(errNeverReady), boots - 1, emulated},
		"an emulated kernel that crashes":       {emulated, wrapped(errCrashed), crashes, emulated},
		"a kernel that crashes on real silicon": {native, wrapped(errCrashed), 0, native},
		"a machine that ends in between":        {emulated, wrapped(errEnded), 0, emulated},
	} {
		tries, times := tries{by: tt.by}, 0
		for {
			if _, again := tries.again(tt.err); !again || times > 10 {
				break
			}
			times++
		}
		if times != tt.times || tries.by != tt.last {
			t.Errorf("%s: tried again %d times, at last by %s; want %d by %s", name, times, tries.by, tt.times, tt.last)
		}
	}
}
