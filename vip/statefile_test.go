package vip

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStateFile(t *testing.T) {
	f := stateFile{path: filepath.Join(t.TempDir(), "run", "addresses")}
	if got := f.read(); len(got) > 0 {
		t.Errorf("no file lists %v", got)
	}
	if err := f.write([]place{{six, "eth0"}, {ten, "eth1"}}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(f.path)
	if diff := cmp.Diff("192.0.2.10 eth1\n2001:db8::10 eth0\n", string(b)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if err := os.WriteFile(f.path, append(b, "garbage\n192.0.2.11\n192.0.2.12 "...), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := f.read(); len(got) != 2 || !got[place{six, "eth0"}] || !got[place{ten, "eth1"}] {
		t.Errorf("read %v", got)
	}
	for range 2 {
		if err := f.write(nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(f.path); !os.IsNotExist(err) {
		t.Errorf("an empty list is a file: %v", err)
	}
}

// oldKernel keeps no mark.
type oldKernel struct{ *Fake }

func (o oldKernel) Placed() ([]Placed, error) {
	have, err := o.Fake.Placed()
	for i := range have {
		have[i].Ours = false
	}
	return have, err
}

func TestKernelWithoutMarks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "addresses")
		b := newBench(t, func(o *Options) {
			o.Edge = oldKernel{o.Edge.(*Fake)}
			o.StateFile = path
		})
		h := b.held(six, 1, time.Hour)
		for range 3 { // held on, not taken for somebody's
			b.hold(h)
			b.sleep(time.Second)
		}
		text, err := os.ReadFile(path)
		if err != nil || string(text) != "2001:db8::10 eth0\n" {
			t.Errorf("listed %q, %v", text, err)
		}
		links, err := b.k.Links()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(prefixes("192.0.2.0/24", "2001:db8::/64"), links[0].Prefixes, cmp.Comparer(samePrefix)); diff != "" {
			t.Errorf("prefixes (-want +got):\n%s", diff)
		}
		// A process after this one, which has crashed, finds it by the list; an operator's own address stays.
		if err := b.fake.Put(hostPrefix(ten), "eth0"); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("2001:db8::10 eth0\n192.0.2.10 eth0\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		later := New(Options{Edge: oldKernel{b.fake}, Clock: b.clock, StateFile: path})
		if err := later.LetGo(nil); err != nil {
			t.Fatal(err)
		}
		b.present("")
		have, _ := b.fake.Placed()
		if len(have) != 4 {
			t.Errorf("left: %+v", have)
		}
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("the list is still there: %v", err)
		}
	})
}
