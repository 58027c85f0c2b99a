package notify

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"polso/config"
)

// sends records what a Notifier sends, and answers with fail.
type sends struct {
	mu   sync.Mutex
	at   []time.Duration
	told [][]Event
	fail func(n config.Notify) error
	from time.Time
}

func (s *sends) send(_ context.Context, n config.Notify, events []Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.told = append(s.at, time.Since(s.from)), append(s.told, events)
	if s.fail != nil {
		return s.fail(n)
	}
	return nil
}

func (s *sends) times() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.at)
}

func running(t *testing.T, send Sender, blocks ...config.Notify) *Notifier {
	n := New(Options{Send: send})
	n.Set(blocks)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return n
}

func block(name string) config.Notify {
	return config.Notify{Name: name, Webhook: "http://192.0.2.1/", Timeout: 10 * time.Second, Limit: 30}
}

func down(server string) Event {
	return Event{Kind: config.EventServerDown, Virtual: "web", Server: server}
}

func TestSlowBlockHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sends{from: time.Now()}
		n := running(t, func(ctx context.Context, b config.Notify, events []Event) error {
			if b.Name == "slow" {
				<-ctx.Done()
				return ctx.Err()
			}
			return s.send(ctx, b, events)
		}, block("slow"), block("quick"))
		for range 2 * queued {
			n.Tell(down("a")) // returns at once, or the bubble deadlocks
			synctest.Wait()
		}
		if got := len(s.times()); got != 30 {
			t.Errorf("the quick one was told %d times at once, want its limit of 30", got)
		}
	})
}

func TestTriedAgainWithPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sends{from: time.Now(), fail: func(config.Notify) error { return errors.New("refused") }}
		running(t, s.send, block("hook")).Tell(down("a"))
		time.Sleep(time.Hour)
		want := []time.Duration{0, 1, 5, 20, 80, 260, 560}
		for i := range want {
			want[i] *= time.Second
		}
		if got := s.times(); !slices.Equal(got, want) {
			t.Errorf("told at %v, want %v", got, want)
		}
	})
}

func TestFatalIsNotTriedAgainAndCommandsNever(t *testing.T) {
	for name, c := range map[string]struct {
		block config.Notify
		err   error
	}{
		"fatal":   {block("hook"), fatal{errors.New("404 Not Found")}},
		"command": {config.Notify{Name: "c", Command: []string{"/bin/false"}, Timeout: time.Second, Limit: 30}, errors.New("exit status 1")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sends{from: time.Now(), fail: func(config.Notify) error { return c.err }}
				running(t, s.send, c.block).Tell(down("a"))
				time.Sleep(time.Hour)
				if got := s.times(); len(got) != 1 {
					t.Errorf("told at %v, want once", got)
				}
			})
		})
	}
}

func TestMailGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sends{from: time.Now()}
		n := running(t, s.send, config.Notify{Name: "ops", Mail: []string{"ops@example.org"}, Timeout: time.Second, Limit: 30})
		n.Tell(down("a"))
		time.Sleep(4 * time.Second)
		n.Tell(down("b"), down("c"))
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(s.told) != 1 || len(s.told[0]) != 3 || s.at[0] != gather {
			t.Errorf("told %v at %v, want three events in one mail after %v", s.told, s.at, gather)
		}
	})
}

func TestLimitIsPerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sends{from: time.Now()}
		b := block("hook")
		b.Limit = 2
		n := running(t, s.send, b)
		for range 5 {
			n.Tell(down("a"))
		}
		time.Sleep(time.Hour)
		want := []time.Duration{0, 0, time.Minute, time.Minute, 2 * time.Minute}
		if got := s.times(); !slices.Equal(got, want) {
			t.Errorf("told at %v, want %v", got, want)
		}
	})
}

func TestWhatDoesNotFitIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sends{from: time.Now()}
		b := block("hook")
		b.Limit = 600
		n := New(Options{Send: s.send})
		n.Set([]config.Notify{b})
		for range queued + 7 {
			n.Tell(down("a"))
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- n.Run(ctx) }()
		synctest.Wait()
		n.Tell(down("last"))
		synctest.Wait()
		stop()
		<-ended
		last := s.told[len(s.told)-1][0]
		if last.Server != "last" || last.Dropped != 7 {
			t.Errorf("the last event is %+v, want one that says that 7 were dropped", last)
		}
	})
}

func TestSetKeepsTheQueueOfWhatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sends{from: time.Now()}
		one, other := block("one"), block("other")
		one.Limit = 1
		n := running(t, s.send, one, other)
		n.Tell(down("a"), down("b"))
		synctest.Wait() // b waits for one's minute
		changed := other
		changed.Events = []config.EventKind{config.EventActive}
		n.Set([]config.Notify{one, changed})
		n.Tell(down("c"))
		time.Sleep(time.Hour)
		synctest.Wait()
		servers := make(map[string]int)
		for _, events := range s.told {
			servers[events[0].Server]++
		}
		if servers["a"] != 2 || servers["b"] != 2 || servers["c"] != 1 {
			t.Errorf("told of %v, want a and b twice, and c once", servers)
		}
	})
}
