package lab

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// answers reads "r1@0/3 r2@10/4": who answered after how many ms which asker.
func answers(t *testing.T, s string) (list []Sighting) {
	t.Helper()
	for _, word := range strings.Fields(s) {
		var ms, n int
		node, rest, _ := strings.Cut(word, "@")
		if _, err := fmt.Sscanf(rest, "%d/%d", &ms, &n); err != nil {
			t.Fatal(err)
		}
		list = append(list, Sighting{
			At: time.UnixMilli(int64(ms)), Node: node,
			Claim: Claim{Kind: Reply, Addr: WebVIP, Asker: netip.AddrFrom4([4]byte{10, 9, 0, byte(firstAsker + n)})},
		})
	}
	return list
}

func TestOverlaps(t *testing.T) {
	for _, tt := range []struct{ name, answers, want string }{
		{"one holder", "r1@0/0 r1@10/1 r1@20/2", ""},
		{"a clean change", "r1@0/0 r1@10/1 r2@20/2 r2@30/3", ""},
		{"both answer one question", "r1@0/0 r1@10/1 r2@11/1 r2@20/2", "r1+r2@11"},
		{"the first comes back between", "r1@0/0 r2@10/1 r1@20/2 r2@1000/9", "r2+r1@20"},
		{"the asker's next turn is another question", "r1@0/0 r2@160/0", ""},
		{"lost and regained after an election", "r1@0/0 r2@400/8 r1@900/10", ""},
		{"nobody", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, o := range overlaps(answers(t, tt.answers)) {
				got = append(got, fmt.Sprintf("%s+%s@%d", o.First, o.Other, o.At.UnixMilli()))
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("got %q, want %q", s, tt.want)
			}
		})
	}
}

func TestAskerIsANeighbour(t *testing.T) {
	for _, tt := range []struct{ addr, want string }{{"10.9.0.50", "10.9.0.227"}, {"fd09::50", "fd09::e3"}} {
		if got := asker(netip.MustParseAddr(tt.addr), 3).String(); got != tt.want {
			t.Errorf("asker of %s is %s, want %s", tt.addr, got, tt.want)
		}
	}
}

func TestArrivalKeepsTheMonotonicClock(t *testing.T) {
	now := time.Now()
	stamped := func(at time.Time) []byte {
		data := make([]byte, unix.CmsgSpace(16))
		h := (*unix.Cmsghdr)(unsafe.Pointer(&data[0]))
		h.Level, h.Type = unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW
		h.SetLen(unix.CmsgLen(16))
		binary.NativeEndian.PutUint64(data[unix.CmsgLen(0):], uint64(at.Unix()))
		binary.NativeEndian.PutUint64(data[unix.CmsgLen(8):], uint64(at.Nanosecond()))
		return data
	}
	for _, tt := range []struct {
		name    string
		control []byte
		ago     time.Duration
	}{
		{"a moment ago", stamped(now.Round(0).Add(-30 * time.Millisecond)), 30 * time.Millisecond},
		{"the clock was set forward since", stamped(now.Round(0).Add(-time.Hour)), 0},
		{"the clock was set back since", stamped(now.Round(0).Add(time.Hour)), 0},
		{"no stamp", nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := arrival(tt.control, now)
			if ago := now.Sub(got); ago != tt.ago {
				t.Errorf("%v ago, want %v", ago, tt.ago)
			}
			if got.Round(0) == got {
				t.Error("no monotonic reading")
			}
		})
	}
}
