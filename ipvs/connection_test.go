package ipvs

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// told is a connection as a test compares it.
func told(c Connection) string {
	mark, isMark := c.Mark()
	if !isMark {
		return fmt.Sprint(c.Protocol, " ", c.Client, " ", c.Virtual, " ", c.Server, " ", c.State, " ", c.Expires, " ", cmp.Or(c.Origin.String(), "-"), " ", c.PE, " ", c.PEData)
	}
	return fmt.Sprint("mark ", mark, " ", c.Client, " ", c.Server, " ", c.State, " ", c.Expires)
}

func TestReadConnections(t *testing.T) {
	for file, want := range map[string][]string{
		"ip_vs_conn": {
			"tcp 198.51.100.7:40122 192.0.2.10:80 10.0.0.11:8080 ESTABLISHED 14m59s -  ",
			"udp 198.51.100.8:5060 192.0.2.10:5060 10.0.0.11:5060 UDP 4m59s - sip 1-7@198.51.100.8 x",
			"tcp [2001:db8::7]:40122 [2001:db8::50]:443 [fd00::b]:443 SYN_RECV 59s -  ",
			"tcp [2001:db8::7]:40123 [2001:db8::50]:443 10.0.0.11:443 FIN_WAIT 1m59s -  ",
			"tcp 198.51.100.7:0 192.0.2.10:80 10.0.0.11:8080 ASSURED 1m0s -  ",
			"mark 7 198.51.100.7:0 10.0.0.11:0 NONE 1m0s",
			"mark 7 [2001:db8::7]:0 [fd00::b]:0 NONE 0s",
			"sctp 198.51.100.7:40124 192.0.2.10:2905 10.0.0.11:2905 C-ECHOED 29s -  ",
			"protocol 50 198.51.100.7:0 192.0.2.10:0 10.0.0.11:0 ERR! 2m59s -  ",
			"tcp 198.51.100.9:40125 192.0.2.10:80 10.0.0.11:8080 NEWER_STATE 0s -  ",
		},
		"ip_vs_conn_sync": {
			"tcp 198.51.100.7:40122 192.0.2.10:80 10.0.0.11:8080 ESTABLISHED 14m59s sync  ",
			"tcp [2001:db8::7]:40122 [2001:db8::50]:443 [fd00::b]:443 TIME_WAIT 1m59s local  ",
			"udp 198.51.100.8:5060 192.0.2.10:5060 10.0.0.11:5060 UDP 4m59s local  ",
		},
	} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for c, err := range readConnections(bytes.NewReader(text)) {
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			got = append(got, told(c))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s", file, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

const listing = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires\n"

// What is not as the kernel writes it is an error with its place, after what came before it; nothing is guessed.
func TestReadConnectionsRefuses(t *testing.T) {
	const good = "TCP C6336407 9CBA C000020A 0050 0A00000B 1F90 ESTABLISHED SYNC       899"
	for text, want := range map[string]string{
		"":                      "unexpected EOF",
		"Pro FromIP\n":          "first line",
		listing + good:          "unexpected EOF",
		listing + good + " x\n": "line 2",
		listing + strings.Replace(good, "899", "soon", 1) + "\n":                                 "line 2",
		listing + strings.Replace(good, "9CBA", "9CB", 1) + "\n":                                 "line 2",
		listing + strings.Replace(good, "C6336407", "C633640G", 1) + "\n":                        "line 2",
		listing + strings.Replace(good, "C6336407", "C6336407C6336407", 1) + "\n":                "line 2",
		listing + strings.Replace(good, "TCP", "TCP4", 1) + "\n":                                 "line 2",
		listing + strings.Replace(good, "TCP", "IP_256", 1) + "\n":                               "line 2",
		listing + strings.Replace(good, "C6336407", strings.Repeat("2001:", 7)+"2001", 1) + "\n": "line 2", // of two families
		listing + good + "\n\n":                           "line 3",
		listing + strings.Repeat("x", readAhead+1) + "\n": "buffer full",
	} {
		var last error
		n := 0
		for _, err := range readConnections(strings.NewReader(text)) {
			if last = err; err == nil {
				n++
			}
		}
		if last == nil || !strings.Contains(last.Error(), want) || n > 1 {
			t.Errorf("%.90q: %d connections, then %v, want %s", text, n, last, want)
		}
	}
	broken := errors.New("broken")
	for _, err := range readConnections(io.MultiReader(strings.NewReader(listing), iotest.ErrReader(broken))) {
		if !errors.Is(err, broken) {
			t.Errorf("got %v, want what reading said", err)
		}
	}
}

// kernelLine is a connection as the kernel prints it.
func kernelLine(c Connection, d Detail) string {
	hex := func(a netip.Addr) string {
		if a.Is4() {
			return fmt.Sprintf("%08X", a.As4())
		}
		return a.StringExpanded()
	}
	proto := map[Protocol]string{0: "IP", 1: "ICMP", 58: "ICMPv6", TCP: "TCP", UDP: "UDP", SCTP: "SCTP"}[c.Protocol]
	if proto == "" {
		proto = fmt.Sprintf("IP_%d", c.Protocol)
	}
	line := fmt.Sprintf("%-3s %s %04X %s %04X %s %04X %-11s", proto, hex(c.Client.Addr()), c.Client.Port(), hex(c.Virtual.Addr()), c.Virtual.Port(),
		hex(c.Server.Addr()), c.Server.Port(), c.State)
	seconds := int(c.Expires / time.Second)
	if d == Origins {
		return fmt.Sprintf("%s %-6s %7d", line, map[Origin]string{Here: "LOCAL", Synced: "SYNC", 0: "?"}[c.Origin], seconds)
	}
	if line = fmt.Sprintf("%s %7d", line, seconds); c.PE != "" {
		line += " " + c.PE + " " + c.PEData
	}
	return line
}

// Whatever is accepted says the same again when it is written as the kernel writes; nothing panics.
func FuzzConnections(f *testing.F) {
	for _, file := range []string{"ip_vs_conn", "ip_vs_conn_sync"} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			f.Add(bytes.TrimSuffix(line, []byte{'\n'}), file == "ip_vs_conn")
		}
	}
	f.Fuzz(func(t *testing.T, line []byte, engines bool) {
		d := Origins
		if engines {
			d = Engines
		}
		c, ok := parseConnection(line, d)
		if !ok {
			return
		}
		again, ok := parseConnection([]byte(kernelLine(c, d)), d)
		if !ok || again != c {
			t.Errorf("%q is %+v, and that is %+v", line, c, again)
		}
	})
}

// million is a listing of so many connections that is made as it is read.
func million(n int) io.Reader {
	r, w := io.Pipe()
	go func() {
		b := bufio.NewWriterSize(w, 1<<20)
		b.WriteString(listing)
		for i := range n {
			fmt.Fprintf(b, "TCP 0A%06X %04X C000020A 0050 0A00%04X 1F90 ESTABLISHED LOCAL  %7d\n", i, i&0xffff, i%1000, i%900)
		}
		w.CloseWithError(errors.Join(b.Flush()))
	}()
	return r
}

// A table of any length takes the same memory: what a line leaves behind does not even have to be collected.
func TestConnectionsAreNotHeld(t *testing.T) {
	const n = 200_000
	text, err := io.ReadAll(million(n))
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := 0
	for _, err := range readConnections(bytes.NewReader(text)) {
		if err != nil {
			t.Fatal(err)
		}
		got++
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; got != n || took > 1<<20 {
		t.Errorf("%d of %d connections took %d bytes", got, n, took)
	}
}

func BenchmarkConnections(b *testing.B) {
	const n = 1_000_000
	text, err := io.ReadAll(million(n))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	within := netip.MustParsePrefix("10.0.1.0/24")
	for b.Loop() {
		found, all := 0, 0
		for c, err := range readConnections(bytes.NewReader(text)) {
			if err != nil {
				b.Fatal(err)
			}
			all++
			if c.State == "ESTABLISHED" && within.Contains(c.Client.Addr()) {
				found++
			}
		}
		if all != n || found != 256 {
			b.Fatalf("found %d of %d", found, all)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/line")
}
