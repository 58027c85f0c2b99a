package ipvs

import (
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/netlink"
	moby "github.com/moby/ipvs"
)

// slow is a kernel that takes its time for each answer.
type slow struct {
	takes    time.Duration
	asked    netlink.Message
	deadline time.Time
}

func (s *slow) Close() error                           { return nil }
func (s *slow) SetDeadline(t time.Time) error          { s.deadline = t; return nil }
func (s *slow) SetReadDeadline(t time.Time) error      { return s.SetDeadline(t) }
func (s *slow) SetWriteDeadline(t time.Time) error     { return s.SetDeadline(t) }
func (s *slow) Send(m netlink.Message) error           { s.asked = m; return nil }
func (s *slow) SendMessages(m []netlink.Message) error { s.asked = m[0]; return nil }

func (s *slow) Receive() ([]netlink.Message, error) {
	time.Sleep(s.takes)
	if !s.deadline.IsZero() && time.Now().After(s.deadline) {
		return nil, os.ErrDeadlineExceeded
	}
	return []netlink.Message{{
		Header: netlink.Header{Type: s.asked.Header.Type, Sequence: s.asked.Header.Sequence, PID: s.asked.Header.PID}, Data: make([]byte, 4),
	}}, nil
}

// A table is an exchange for each service: a thousand of them may take longer together than one may.
func TestEachExchangeHasItsTime(t *testing.T) {
	for _, tt := range []struct {
		takes time.Duration
		want  error
	}{
		{time.Second, nil},
		{6 * time.Second, os.ErrDeadlineExceeded},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &sockets{reader: reader{conn: genetlink.NewConn(netlink.NewConn(&slow{takes: tt.takes}, 1))}, writer: new(moby.Handle)}
			err := s.read(5*time.Second, func(r reader) error {
				for range 10 {
					if _, err := r.execute(cmdGetInfo, netlink.NewAttributeEncoder(), netlink.Request); err != nil {
						return err
					}
				}
				return nil
			})
			if !errors.Is(err, tt.want) {
				t.Errorf("ten exchanges of %v each: %v, want %v", tt.takes, err, tt.want)
			}
		})
	}
}
