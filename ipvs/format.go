package ipvs

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

// View is one of ipvsadm's listings.
type View uint8

// The views. The zero View is the plain listing.
const (
	Listing  View = iota // ipvsadm -Ln
	Totals               // ipvsadm -Ln --stats
	RateView             // ipvsadm -Ln --rate
)

// String returns ipvsadm's option for the view, "" for the plain listing.
func (v View) String() string {
	switch v {
	case Listing:
		return ""
	case Totals:
		return "--stats"
	case RateView:
		return "--rate"
	default:
		return "view " + strconv.Itoa(int(v))
	}
}

// FormatOptions chooses what Format prints. The zero value is the plain listing.
type FormatOptions struct {
	View  View
	Exact bool // whole numbers where ipvsadm would write 123M (--exact)
	Info  Info // for the first line, which is without version and size if this is zero
}

// Format prints the table byte by byte as `ipvsadm -Ln` (1.31) does, sorted as there. Counters that s lacks are 0.
func Format(w io.Writer, t Table, s Stats, o FormatOptions) error {
	b := bufio.NewWriter(w)
	b.WriteString("IP Virtual Server")
	if o.Info != (Info{}) {
		fmt.Fprintf(b, " version %s (size=%d)", o.Info.Version, o.Info.Size)
	}
	b.WriteString("\n" + o.title())
	for _, svc := range t.Canonical().Services {
		st := s[svc.Key]
		o.service(b, svc, st)
		for _, d := range svc.Destinations {
			o.destination(b, d, st.Destinations[d.Addr])
		}
	}
	return b.Flush()
}

func (o FormatOptions) title() string {
	columns := func(names ...string) string {
		line := fmt.Sprintf("%-33s", "Prot LocalAddress:Port")
		for _, n := range names {
			line += fmt.Sprintf(" %8s", n)
		}
		return line + "\n  -> RemoteAddress:Port\n"
	}
	switch o.View {
	case Listing:
		return "Prot LocalAddress:Port Scheduler Flags\n" +
			"  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
	case Totals:
		return columns("Conns", "InPkts", "OutPkts", "InBytes", "OutBytes")
	case RateView:
		return columns("CPS", "InPPS", "OutPPS", "InBPS", "OutBPS")
	default:
		panic("ipvs: unknown view")
	}
}

func (o FormatOptions) service(w io.Writer, s Service, st ServiceStats) {
	name := s.Key.listed()
	if o.View != Listing {
		fmt.Fprintf(w, "%-33s%s\n", name, o.numbers(st.Counters))
		return
	}
	words := []string{name, s.Scheduler}
	if flags := s.Flags.sched(s.Scheduler); len(flags) > 0 {
		words = append(words, "("+strings.Join(flags, ",")+")")
	}
	if s.Persistent > 0 {
		words = append(words, "persistent", strconv.FormatInt(seconds(s.Persistent), 10))
		if mask := s.maskWord(); mask != "" {
			words = append(words, "mask", mask)
		}
	}
	if s.PE != "" {
		words = append(words, "pe", s.PE)
	}
	if s.Flags&OnePacket != 0 {
		words = append(words, "ops")
	}
	fmt.Fprintln(w, strings.Join(words, " "))
}

func (o FormatOptions) destination(w io.Writer, d Destination, st DestinationStats) {
	if o.View != Listing {
		fmt.Fprintf(w, "  -> %-28s%s\n", d.Addr, o.numbers(st.Counters))
		return
	}
	fmt.Fprintf(w, "  -> %-28s %-7s %-6d %-10d %-10d\n", d.Addr, d.Forward.listed(), d.Weight, st.Active, st.Inactive)
}

func (o FormatOptions) numbers(c Counters) string {
	columns := []uint64{c.Connections, c.PacketsIn, c.PacketsOut, c.BytesIn, c.BytesOut}
	if o.View == RateView {
		columns = []uint64{c.CPS, c.PPSIn, c.PPSOut, c.BPSIn, c.BPSOut}
	}
	var b strings.Builder
	for _, n := range columns {
		b.WriteString(o.number(n))
	}
	return b.String()
}

// number writes as ipvsadm does: a decimal unit once eight digits do not suffice.
func (o FormatOptions) number(n uint64) string {
	switch {
	case o.Exact || n < 1e8:
		return fmt.Sprintf(" %8d", n)
	case n < 1e9:
		return fmt.Sprintf("%8dK", n/1e3)
	case n < 1e11:
		return fmt.Sprintf("%8dM", n/1e6)
	case n < 1e14:
		return fmt.Sprintf("%8dG", n/1e9)
	default:
		return fmt.Sprintf("%8dT", n/1e12)
	}
}

// listed names the service as the listings do: "TCP  10.0.0.1:80", "FWM  7 IPv6".
func (k Key) listed() string {
	if k.FWMark == 0 {
		return fmt.Sprintf("%-4s %s", strings.ToUpper(k.Protocol.String()), netip.AddrPortFrom(k.Addr, k.Port))
	}
	name := fmt.Sprintf("FWM  %d", k.FWMark)
	if k.Family == IPv6 {
		name += " IPv6"
	}
	return name
}

func (f Forward) listed() string {
	switch f {
	case NAT:
		return "Masq"
	case Local:
		return "Local"
	case Tun:
		return "Tunnel"
	case Direct:
		return "Route"
	default:
		return f.String()
	}
}
