package notify

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"polso/config"
)

// ending runs a Notifier of one block; end ends it and waits.
func ending(t *testing.T, send Sender, b config.Notify) (n *Notifier, end func()) {
	n = New(Options{Send: send, Last: 5 * time.Second})
	n.Set([]config.Notify{b})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	synctest.Wait()
	return n, func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// What a sender has taken from its queue and not told when Run ends is told with what waits.
func TestTheEndTellsWhatWaits(t *testing.T) {
	mailed := config.Notify{Name: "ops", Mail: []string{"ops@example.org"}, Timeout: 10 * time.Second, Limit: 30}
	paced := block("hook")
	paced.Limit = 1
	for name, c := range map[string]struct {
		block config.Notify
		fails int // so many attempts
		first bool
	}{
		"a mail that waits for what else happens":  {block: mailed, first: true},
		"a message that waits for its turn":        {block: paced},
		"a message that waits for another attempt": {block: block("hook"), fails: 1, first: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sends{from: time.Now()}
				s.fail = func(config.Notify) error {
					if len(s.told) <= c.fails {
						return errors.New("refused")
					}
					return nil
				}
				n, end := ending(t, s.send, c.block)
				n.Tell(down("first"))
				synctest.Wait()
				n.Tell(down("second"))
				synctest.Wait()
				end()
				told := make(map[string]bool)
				for _, e := range s.told[len(s.told)-1] {
					told[e.Server] = true
				}
				if told["first"] != c.first || !told["second"] {
					t.Errorf("at the end told %v, in all %v", told, s.told)
				}
			})
		})
	}
}

// What is being told when Run ends has a while to come to its end, and no more than that.
func TestTheEndWaitsForWhatIsUnderWay(t *testing.T) {
	for name, c := range map[string]struct {
		takes, ended time.Duration
		told         bool
	}{
		"soon":     {takes: 2 * time.Second, ended: 2 * time.Second, told: true},
		"for ever": {takes: time.Hour, ended: 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told := false
				n, end := ending(t, func(ctx context.Context, _ config.Notify, _ []Event) error {
					told = sleep(ctx, c.takes)
					return ctx.Err()
				}, config.Notify{Name: "c", Command: []string{"/bin/true"}, Timeout: time.Minute, Limit: 30})
				began := time.Now()
				n.Tell(Event{Kind: config.EventInactive})
				end()
				if took := time.Since(began); told != c.told || took != c.ended {
					t.Errorf("told %v after %v, want %v after %v", told, took, c.told, c.ended)
				}
			})
		})
	}
}
