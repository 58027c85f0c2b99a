package ipvs

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/genetlink/genltest"
	"github.com/mdlayher/netlink"
)

// captured returns what a kernel answered, by the request's name.
func captured(t testing.TB) map[string][][]byte {
	t.Helper()
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("captured on a little-endian machine")
	}
	file, err := os.ReadFile("testdata/linux-6.12.hex")
	if err != nil {
		t.Fatal(err)
	}
	answers := make(map[string][][]byte)
	for line := range strings.Lines(string(file)) {
		name, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(name, "#") || name == "" {
			continue
		}
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		answers[name] = append(answers[name], b)
	}
	return answers
}

// kernelOf answers as the captured kernel did. asked sees each request first and may answer it itself.
func kernelOf(t *testing.T, answers map[string][][]byte, asked func(name string) [][]byte) reader {
	t.Helper()
	conn := genltest.Dial(func(greq genetlink.Message, nreq netlink.Message) ([]genetlink.Message, error) {
		if greq.Header.Version != 1 || nreq.Header.Type != 42 {
			return nil, fmt.Errorf("request to %d version %d", nreq.Header.Type, greq.Header.Version)
		}
		var name string
		dump := true
		switch greq.Header.Command {
		case cmdGetService:
			name = "service"
		case cmdGetDest:
			s, _, err := decodeService(greq.Data) // a request's service has the same form as an answer's
			if err != nil {
				return nil, err
			}
			name = "dest/" + strings.Replace(s.Key.String(), " ", "/", 1)
		case cmdGetConfig:
			name, dump = "config", false
		case cmdGetDaemon:
			name = "daemon"
		case cmdGetInfo:
			name, dump = "info", false
		default:
			return nil, fmt.Errorf("command %d", greq.Header.Command)
		}
		if is := nreq.Header.Flags&netlink.Dump == netlink.Dump; is != dump {
			return nil, fmt.Errorf("%s: dump flag is %v", name, is)
		}
		got := asked(name)
		if got == nil {
			got = answers[name]
		}
		var msgs []genetlink.Message
		for _, b := range got {
			msgs = append(msgs, genetlink.Message{Data: b})
		}
		if msgs == nil {
			return nil, io.EOF
		}
		return msgs, nil
	})
	t.Cleanup(func() { conn.Close() })
	return reader{conn: conn, family: 42}
}

func nothing(string) [][]byte { return nil }

const capturedTable = `-A -u 10.0.0.1:56 -s sh -p 60 -M 255.255.255.0 --pe sip
-a -u 10.0.0.1:56 -r 10.1.0.9:56 -g -w 7 -x 100 -y 50
-A -u 10.0.0.1:57 -s rr
-a -u 10.0.0.1:57 -r 10.1.0.9:57 -g -w 7 -x 100 -y 50
-A -t [fd00::1]:443 -s wrr -p 60 -M 64
-a -t [fd00::1]:443 -r 10.1.0.1:443 -i -w 3 --tun-type gue --tun-port 6080 --tun-remcsum
-A -f 7 -s mh -b mh-port
`

func TestReaderReadsWhatAKernelSaid(t *testing.T) {
	r := kernelOf(t, captured(t), nothing)
	tab, st, err := inPortions(r.overview, r.fill)
	if err != nil {
		t.Fatal(err)
	}
	if got := tab.String(); got != capturedTable {
		t.Errorf("the table is\n%swant\n%s", got, capturedTable)
	}
	if got := tab.Timeouts.String(); got != "900 120 300" {
		t.Errorf("timeouts %s", got)
	}
	key := AddrKey(UDP, netip.MustParseAddrPort("10.0.0.1:57"))
	counters := Counters{Connections: 5, PacketsIn: 5, BytesIn: 170, BPSIn: 12}
	if got := st[key].Counters; got != counters {
		t.Errorf("the service's counters are %+v, want %+v", got, counters)
	}
	want := DestinationStats{Counters: counters, Inactive: 5}
	if got := st[key].Destinations[netip.MustParseAddrPort("10.1.0.9:57")]; got != want {
		t.Errorf("the server's counters are %+v, want %+v", got, want)
	}
	if len(st) != len(tab.Services) {
		t.Errorf("stats of %d services, want %d", len(st), len(tab.Services))
	}
	info, err := r.info()
	if want := (Info{Version: "1.2.1", Size: 4096}); err != nil || info != want {
		t.Errorf("info %+v, %v; want %+v", info, err, want)
	}
}

func TestReaderReadsAChangingTableAgain(t *testing.T) {
	answers := captured(t)
	for _, name := range []string{"service", "dest/udp/10.0.0.1:57"} {
		t.Run(name, func(t *testing.T) {
			times := 0
			r := kernelOf(t, answers, func(asked string) [][]byte {
				if asked != name {
					return nil
				}
				if times++; times > 2 {
					return nil
				}
				return append(answers[name][:1:1], answers[name]...) // the first one twice
			})
			tab, _, err := inPortions(r.overview, r.fill)
			if err != nil || tab.String() != capturedTable {
				t.Errorf("%v\n%s", err, tab)
			}
			if times != 3 {
				t.Errorf("asked %d times, want 3", times)
			}
		})
		t.Run(name+" never rests", func(t *testing.T) {
			r := kernelOf(t, answers, func(asked string) [][]byte {
				if asked != name {
					return nil
				}
				return append(answers[name][:1:1], answers[name]...)
			})
			if _, _, err := inPortions(r.overview, r.fill); !errors.Is(err, errChanged) {
				t.Errorf("%v, want errChanged", err)
			}
		})
	}
}

func TestReaderRefusesWhatItCannotRead(t *testing.T) {
	answers := captured(t)
	for name := range answers {
		if name == "info" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			r := kernelOf(t, answers, func(asked string) [][]byte {
				if asked != name {
					return nil
				}
				return [][]byte{answers[name][0][:7]}
			})
			if tab, _, err := inPortions(r.overview, r.fill); err == nil {
				t.Errorf("half a message made\n%s", tab)
			}
		})
	}
}

// TestCountersOfAnOldKernel leaves out the 64-bit form, which Linux before 4.1 does not send.
func TestCountersOfAnOldKernel(t *testing.T) {
	for _, b := range captured(t)["service"] {
		s, c, err := decodeService(b)
		if err != nil {
			t.Fatal(err)
		}
		const wideForm = 124 // the last attribute
		short := append([]byte(nil), b[:len(b)-wideForm]...)
		binary.NativeEndian.PutUint16(short, uint16(len(short)))
		olds, old, err := decodeService(short)
		if err != nil || olds.String() != s.String() || old != c {
			t.Errorf("%s: %+v, %v; want %+v", olds, old, err, c)
		}
	}
}

func TestMasks(t *testing.T) {
	for bits := 1; bits <= 32; bits++ {
		got, err := maskLength(IPv4, binary.NativeEndian.AppendUint32(nil, maskValue(IPv4, bits)))
		if err != nil || got != bits {
			t.Errorf("/%d became /%d, %v", bits, got, err)
		}
	}
	tests := []struct {
		name  string
		f     Family
		bytes []byte
		want  int
	}{
		{"network order", IPv4, []byte{255, 255, 240, 0}, 20},
		{"every client the same", IPv4, []byte{0, 0, 0, 0}, -1},
		{"not a prefix", IPv4, []byte{255, 0, 255, 0}, -1},
		{"prefix length", IPv6, binary.NativeEndian.AppendUint32(nil, 64), 64},
	}
	for _, tt := range tests {
		if got, err := maskLength(tt.f, tt.bytes); err != nil || got != tt.want {
			t.Errorf("%s: %d, %v; want %d", tt.name, got, err, tt.want)
		}
	}
	if got := maskValue(IPv6, 0); got != 128 {
		t.Errorf("a full mask is %d for ipv6", got)
	}
}

func FuzzDecode(f *testing.F) {
	for _, bs := range captured(f) {
		for _, b := range bs {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, _, err := decodeService(b); err == nil {
			tab := Table{Services: []Service{s}}
			if again := Plan(tab, tab); len(again) != 0 {
				t.Errorf("%s differs from itself: %v", s, again)
			}
			if s.FWMark == 0 && FamilyOf(s.Addr) != s.Family {
				t.Errorf("%s is of %s", s, s.Family)
			}
		}
		for _, family := range []Family{IPv4, IPv6} {
			if d, _, err := decodeDestination(b, family); err == nil && !d.Addr.IsValid() {
				t.Errorf("a destination without address: %v", d)
			}
		}
		_, _ = decodeTimeouts(b)
		_, _ = decodeInfo(b)
	})
}
