package ipvs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"strconv"
	"time"
)

// errNotUnderstood means that the kernel writes otherwise than this program reads.
var errNotUnderstood = errors.New("not understood; is this kernel newer than Polso?")

// readAhead is many times the longest line: three IPv6 addresses, an engine's name and 255 bytes of its data.
const readAhead = 32 << 10

// The fields before the last ones, by which the two listings differ.
const connectionFields = "Pro FromIP FPrt ToIP TPrt DestIP DPrt State "

// readConnections reads one of the kernel's two listings as a stream, of which it holds some lines. The error, if any, comes last and with
// no connection.
func readConnections(r io.Reader) iter.Seq2[Connection, error] {
	return func(yield func(Connection, error) bool) {
		lines := bufio.NewReaderSize(r, readAhead)
		var d Detail
		for n := 0; ; n++ {
			line, err := lines.ReadSlice('\n')
			switch {
			case err == io.EOF && len(line) == 0 && n > 0:
				return
			case err == io.EOF:
				err = io.ErrUnexpectedEOF
			}
			if err != nil {
				yield(Connection{}, err)
				return
			}
			line = line[:len(line)-1]
			if n == 0 {
				if d, err = detailOf(line); err != nil {
					yield(Connection{}, err)
					return
				}
				continue
			}
			c, ok := parseConnection(line, d)
			if !ok {
				yield(Connection{}, fmt.Errorf("line %d: %q: %w", n+1, line, errNotUnderstood))
				return
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

// detailOf tells a listing by its first line.
func detailOf(header []byte) (Detail, error) {
	switch string(bytes.Join(bytes.Fields(header), []byte{' '})) {
	case connectionFields + "Origin Expires":
		return Origins, nil
	case connectionFields + "Expires PEName PEData":
		return Engines, nil
	}
	return 0, fmt.Errorf("first line %q: %w", header, errNotUnderstood)
}

// parseConnection reads a line without allocating anything but words that are new to it.
func parseConnection(line []byte, d Detail) (c Connection, ok bool) {
	rest := line
	good := true
	next := func() (field []byte) {
		rest = bytes.TrimLeft(rest, " ")
		field, rest, _ = bytes.Cut(rest, []byte{' '})
		good = good && len(field) > 0
		return field
	}
	end := func() netip.AddrPort {
		addr, okAddr := parseAddr(next())
		port, okPort := parseHex(next(), 4)
		good = good && okAddr && okPort
		return netip.AddrPortFrom(addr, uint16(port))
	}
	c.Protocol, ok = parseProtocol(next())
	c.Client, c.Virtual, c.Server = end(), end(), end()
	c.State = stateWord(next())
	if d == Origins {
		switch string(next()) {
		case "SYNC":
			c.Origin = Synced
		case "LOCAL":
			c.Origin = Here
		}
	}
	seconds, okSeconds := parseSeconds(next())
	c.Expires = seconds
	if d == Engines && len(rest) > 0 {
		c.PE = string(next())
		c.PEData = string(rest)
		rest = nil
	}
	same := c.Client.Addr().Is4() == c.Virtual.Addr().Is4() // only a server may be of the other family
	return c, ok && good && okSeconds && same && len(rest) == 0
}

func stateWord(b []byte) string {
	if w, known := stateWords[string(b)]; known {
		return w
	}
	return string(b) // a newer kernel's
}

func parseProtocol(b []byte) (Protocol, bool) {
	switch string(b) {
	case "TCP":
		return TCP, true
	case "UDP":
		return UDP, true
	case "SCTP":
		return SCTP, true
	case "IP":
		return 0, true
	case "ICMP":
		return 1, true
	case "ICMPv6":
		return 58, true
	}
	number, other := bytes.CutPrefix(b, []byte("IP_"))
	n, err := strconv.ParseUint(string(number), 10, 8)
	return Protocol(n), other && err == nil && n != 0
}

// parseAddr reads C0000201, or 2001:0db8: and so on with every digit.
func parseAddr(b []byte) (netip.Addr, bool) {
	if len(b) == 8 {
		n, ok := parseHex(b, 8)
		return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}), ok
	}
	if len(b) != 39 {
		return netip.Addr{}, false
	}
	var a [16]byte
	for i := range 8 {
		n, ok := parseHex(b[5*i:5*i+4], 4)
		if !ok || i < 7 && b[5*i+4] != ':' {
			return netip.Addr{}, false
		}
		a[2*i], a[2*i+1] = byte(n>>8), byte(n)
	}
	return netip.AddrFrom16(a), true
}

// parseHex reads a number of exactly so many hexadecimal digits.
func parseHex(b []byte, digits int) (n uint32, ok bool) {
	if len(b) != digits {
		return 0, false
	}
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		n = n<<4 | uint32(c)
	}
	return n, true
}

// parseSeconds reads a number of seconds. Old kernels write a moment that has just passed as an enormous number: that is 0.
func parseSeconds(b []byte) (time.Duration, bool) {
	n, err := strconv.ParseUint(string(b), 10, 64)
	if n > 1<<32 {
		n = 0
	}
	return time.Duration(n) * time.Second, err == nil
}
