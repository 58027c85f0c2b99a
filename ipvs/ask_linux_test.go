package ipvs

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/genetlink/genltest"
	"github.com/mdlayher/netlink"
	moby "github.com/moby/ipvs"
)

// unheard returns a Kernel whose sockets lead nowhere, for calls that need none.
func unheard() *Kernel {
	conn := genltest.Dial(func(genetlink.Message, netlink.Message) ([]genetlink.Message, error) {
		return nil, errors.New("nobody listens")
	})
	return &Kernel{
		timeout: time.Second,
		calls:   make(chan func()),
		closed:  make(chan struct{}),
		ended:   make(chan struct{}),
		sockets: &sockets{reader: reader{conn: conn}, writer: new(moby.Handle)},
	}
}

func TestCallBeforeRunWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := unheard()
		start := time.Now()
		asked := false
		if _, err := ask(k, func() (int, error) { asked = true; return 1, nil }); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("without Run: %v, want a deadline's end", err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("gave up after %s, want 1s", took)
		}
		time.AfterFunc(500*time.Millisecond, func() {
			if err := k.Run(t.Context()); err != nil {
				t.Errorf("run: %v", err)
			}
		})
		if v, err := ask(k, func() (int, error) { return 2, nil }); v != 2 || err != nil {
			t.Errorf("with a late Run: %d, %v", v, err)
		}
		if asked {
			t.Error("what was given up was done later")
		}
		if err := k.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

func TestCallAfterTheEndIsClosed(t *testing.T) {
	ends := map[string]func(*Kernel, context.CancelFunc) error{
		"context": func(_ *Kernel, cancel context.CancelFunc) error { cancel(); return nil },
		"close":   func(k *Kernel, _ context.CancelFunc) error { return k.Close() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := unheard()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				ran := make(chan error, 1)
				go func() { ran <- k.Run(ctx) }()
				synctest.Wait()
				if err := k.Run(ctx); !errors.Is(err, ErrClosed) {
					t.Errorf("a second Run: %v, want ErrClosed", err)
				}
				if err := end(k, cancel); err != nil {
					t.Errorf("end: %v", err)
				}
				if err := <-ran; err != nil {
					t.Errorf("run: %v", err)
				}
				start := time.Now()
				if _, err := ask(k, func() (int, error) { return 1, nil }); !errors.Is(err, ErrClosed) {
					t.Errorf("%v, want ErrClosed", err)
				}
				if _, _, err := k.Table(); !errors.Is(err, ErrClosed) {
					t.Errorf("%v, want ErrClosed", err)
				}
				if took := time.Since(start); took != 0 {
					t.Errorf("took %s to say so", took)
				}
				if err := k.Close(); err != nil {
					t.Errorf("closed twice: %v", err)
				}
			})
		})
	}
}

func TestCloseWithoutRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := unheard()
		for range 2 {
			if err := k.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		if err := k.Run(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("run: %v, want ErrClosed", err)
		}
	})
}

// TestStuckCallHoldsNobody has a call that the kernel does not finish.
func TestStuckCallHoldsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := unheard()
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- k.Run(ctx) }()
		release := make(chan struct{})
		start := time.Now()
		_, err := ask(k, func() (int, error) { <-release; return 1, nil })
		if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took != 4*time.Second {
			t.Errorf("the stuck call: %v after %s", err, took)
		}
		start = time.Now()
		_, err = ask(k, func() (int, error) { return 1, nil })
		if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took != time.Second {
			t.Errorf("a call behind it: %v after %s", err, took)
		}
		start = time.Now()
		cancel()
		if err, took := <-ran, time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took != 4*time.Second {
			t.Errorf("run: %v after %s", err, took)
		}
		close(release)
		if err := k.Close(); err != nil {
			t.Errorf("close, once it is free: %v", err)
		}
	})
}

// A module that cannot be loaded is asked for once for all the steps of a window.
func TestPrepareAsksOnce(t *testing.T) {
	var asked []string
	k := &Kernel{timeout: time.Second, loaded: make(map[string]bool), log: slog.New(slog.DiscardHandler), modprobe: func(_ context.Context, module string) error {
		asked = append(asked, module)
		return errors.New("no such module")
	}}
	plain, calls := Service{Scheduler: "wlc"}, Service{Scheduler: "rr", PE: "sip"}
	k.prepare(Op{Verb: AddService, Service: plain}, Op{Verb: EditService, Service: calls}, Op{Verb: AddService, Service: plain}, Op{Verb: DeleteService, Service: Service{Scheduler: "mh"}})
	if want := []string{"ip_vs_pe_sip", "ip_vs_rr", "ip_vs_wlc"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
}
