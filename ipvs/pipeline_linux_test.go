package ipvs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
)

// judge is a kernel that refuses some steps and answers as the real one does: refusals always, the rest where it is asked to.
type judge struct {
	refuses map[int]syscall.Errno // by the number of the message since the start
	heard   int
	answers [][]netlink.Message // one for each Receive
	mute    bool
}

func (j *judge) SetDeadline(time.Time) error { return nil }

func (j *judge) SendMessages(list []netlink.Message) error {
	for _, m := range list {
		errno := j.refuses[j.heard]
		j.heard++
		if errno == 0 && m.Header.Flags&netlink.Acknowledge == 0 {
			continue
		}
		code := binary.NativeEndian.AppendUint32(nil, uint32(-int32(errno)))
		j.answers = append(j.answers, []netlink.Message{{
			Header: netlink.Header{Type: netlink.Error, Sequence: m.Header.Sequence}, Data: append(code, make([]byte, 16)...),
		}})
	}
	return nil
}

func (j *judge) Receive() ([]netlink.Message, error) {
	if j.mute || len(j.answers) == 0 {
		return nil, syscall.ENOBUFS
	}
	first := j.answers[0]
	j.answers = j.answers[1:]
	return first, nil
}

func TestPipelineKnowsWhichStepWasRefused(t *testing.T) {
	for _, refused := range [][]int{nil, {0}, {3}, {7}, {0, 1, 6, 7}, {0, 1, 2, 3, 4, 5, 6, 7}} {
		t.Run(fmt.Sprint(refused), func(t *testing.T) {
			j := &judge{refuses: make(map[int]syscall.Errno)}
			for _, i := range refused {
				j.refuses[i+8] = syscall.EEXIST // of the second window
			}
			p := pipeline{socket: j, family: 42, sequence: ^uint32(0) - 9} // which runs over on the way
			for window := range 3 {
				errnos, err := p.send(time.Second, steps(8))
				if err != nil {
					t.Fatal(err)
				}
				for i, errno := range errnos {
					want := syscall.Errno(0)
					if window == 1 && slices.Contains(refused, i) {
						want = syscall.EEXIST
					}
					if errno != want {
						t.Errorf("window %d, step %d: %v, want %v", window, i, errno, want)
					}
				}
			}
		})
	}
}

// A kernel that could not answer has perhaps done what it was asked: nobody may take silence for consent.
func TestPipelineSaysWhatItDoesNotKnow(t *testing.T) {
	j := &judge{mute: true}
	s := &sockets{pipeline: pipeline{socket: j, family: 42}}
	if _, err := s.batch(time.Second, steps(3)); !errors.Is(err, syscall.ENOBUFS) || !s.broken {
		t.Errorf("%v, broken %v; want ENOBUFS, and a new socket for the next", err, s.broken)
	}
	j = &judge{answers: [][]netlink.Message{{{Header: netlink.Header{Type: netlink.Error, Sequence: 7}, Data: make([]byte, 20)}}}}
	s = &sockets{pipeline: pipeline{socket: j, family: 42, sequence: 100}}
	if _, err := s.batch(time.Second, steps(3)); !errors.Is(err, errStray) || !s.broken {
		t.Errorf("%v, broken %v; want it to be noticed that an answer is another's", err, s.broken)
	}
}
