package config

import (
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Validate checks the meaning of a complete document, whatever it came from. Its error is Errors, each with the path of what
// is meant and no place; Parse runs the same rules. What is right but not supported yet passes; see Unsupported.
func (d Document) Validate() error {
	return validate(d).orNil()
}

// validate is every rule about meaning. A rule that compares two things says nothing when one of them is missing or wrong by
// itself: that is another rule's.
func validate(d Document) Errors {
	var v verdicts
	v.cluster(d.Cluster)
	v.vips(d.VIPs)
	v.virtuals(d.Virtuals)
	v.routerChecks(d.RouterChecks)
	v.together(d)
	v.mixed(d)
	v.notifies(d)
	return v.list
}

// The limits of the document.
const (
	// maxTimeout is the kernel's: timeouts in seconds must fit a signed int of jiffies (do_ip_vs_set_timeout), at up to
	// 1,000 jiffies a second.
	maxTimeout = math.MaxInt32 / 1000 * time.Second
	maxWeight  = math.MaxUint16
	maxText63  = 63
)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// name checks a name or the name of a link, which ends up in commands, paths and columns.
func (v *verdicts) name(p path, kind, name string) bool {
	if namePattern.MatchString(name) {
		return true
	}
	const fix = "A name is 1 to 63 letters, digits, dots, underscores and dashes, and begins with a letter or digit."
	switch {
	case name == "":
		v.add(p, kind+" is empty", "", fix)
	case len(name) > maxText63:
		v.add(p, fmt.Sprintf("%s is longer than %d characters", kind, maxText63), "", fix)
	default:
		v.add(p, fmt.Sprintf("%s %q has characters that a name cannot have", kind, name), "", fix)
	}
	return false
}

// last refuses what follows the last block of its kind that can be: the i-th, counted from 0. It is said once.
func (v *verdicts) last(p path, kind string, i, most int, fix string) {
	if i == most {
		v.add(p, fmt.Sprintf("there are more than %d %s blocks", most, kind), "Every router works for each of them.", fix)
	}
}

// enum checks a word against those that are known.
func enum[T ~string](v *verdicts, p path, kind string, word T, known ...T) bool {
	if slices.Contains(known, word) {
		return true
	}
	v.add(p, fmt.Sprintf("unknown %s %q", kind, word), fmt.Sprintf("It is one of %s.", oneOf(known)), suggestion(string(word), plain(known)))
	return false
}

// within checks a duration's range.
func (v *verdicts) within(p path, d, least, most time.Duration) bool {
	if d >= least && d <= most {
		return true
	}
	v.add(p, fmt.Sprintf("%s is not between %s and %s", Brief(d), Brief(least), Brief(most)), "", "")
	return false
}

// kernelTimeout checks a duration that the kernel counts in seconds.
func (v *verdicts) kernelTimeout(p path, d time.Duration) {
	if v.within(p, d, time.Second, maxTimeout) && d%time.Second != 0 {
		v.add(p, fmt.Sprintf("%s is not a whole number of seconds", Brief(d)), "The kernel counts this timeout in seconds.", "")
	}
}

// Brief is the duration as a person writes it: "15m", not "15m0s".
func Brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

func (v *verdicts) cluster(c Cluster) {
	p := path("cluster")
	enum(v, p.attr("standby"), "standby mode", c.Standby, Warm, Cold)
	for i, name := range c.Prefer {
		if v.name(p.attr("prefer"), "router name", name) && slices.Index(c.Prefer, name) < i {
			v.add(p.attr("prefer"), fmt.Sprintf("router %q is named twice", name), "", "")
		}
	}
	v.syncDaemon(p.attr("sync_daemon"), c)
	for _, t := range []struct {
		name string
		d    time.Duration
	}{{"tcp", c.Timeouts.TCP}, {"tcp_fin", c.Timeouts.TCPFin}, {"udp", c.Timeouts.UDP}} {
		if t.d != 0 {
			v.kernelTimeout(p.attr("timeouts").attr(t.name), t.d)
		}
	}
	v.sysctls(p.attr("sysctls"), c.Sysctls)
}

func (v *verdicts) vips(vips []VIP) {
	seen := make(map[string]bool)
	addresses := make(map[netip.Addr]string)
	for _, x := range vips {
		p := path("").block("vip", x.Name)
		v.name(p, "vip name", x.Name)
		if seen[x.Name] {
			v.add(p, fmt.Sprintf("vip %q is there twice", x.Name), "", "Rename one of them.")
		}
		seen[x.Name] = true
		if x.Interface != "" {
			v.name(p.attr("interface"), "interface", x.Interface)
		}
		v.name(p.attr("group"), "group", x.Group)
		if !x.Address.IsValid() {
			v.add(p.attr("address"), "a vip needs an address", "", `Add address = "192.0.2.10/24".`)
			continue
		}
		a := x.Address.Addr()
		if !v.usable(p.attr("address"), a, "virtual address", x.Interface) {
			continue
		}
		if first, twice := addresses[a]; twice {
			v.add(p.attr("address"), fmt.Sprintf("address %s is that of vip %q too", a, first), "", "Remove one of the two blocks.")
		}
		addresses[a] = x.Name
		v.host(p.attr("address"), x.Address)
	}
}

// host refuses a prefix that says nothing, and the two addresses of an IPv4 subnet that are no host's.
func (v *verdicts) host(p path, x netip.Prefix) {
	if x.Bits() == 0 {
		v.add(p, fmt.Sprintf("%s names no subnet", x), "The prefix length says which link the address belongs to.", "")
		return
	}
	if !x.Addr().Is4() || x.Bits() > 30 {
		return
	}
	what := ""
	switch x.Addr() {
	case x.Masked().Addr():
		what = "the address of the subnet itself"
	case lastAddr(x):
		what = "the broadcast address of its subnet"
	default:
		return
	}
	v.add(p, fmt.Sprintf("%s is %s", x, what), "", "Choose an address between the first and the last of the subnet.")
}

func lastAddr(x netip.Prefix) netip.Addr {
	a := x.Addr().As4()
	for bit := x.Bits(); bit < 32; bit++ {
		a[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(a)
}

// usable checks that an address can be that of one host, as seen from another. A link-local address says nothing without its
// link, so it needs one.
func (v *verdicts) usable(p path, a netip.Addr, kind, link string) bool {
	why := ""
	switch {
	case a.Zone() != "":
		why = fmt.Sprintf("%s carries the zone %q, which is one router's name for a link", a, a.Zone())
	case a.Is4In6():
		v.add(p, fmt.Sprintf("%s is an IPv4 address written as IPv6", a), "", fmt.Sprintf("Write %s.", a.Unmap()))
		return false
	case a.IsUnspecified(), a.Is4() && a.As4()[0] == 0:
		why = fmt.Sprintf("%s is the unspecified address", a)
	case a.IsLoopback():
		why = fmt.Sprintf("%s is a loopback address", a)
	case a.IsMulticast():
		why = fmt.Sprintf("%s is a multicast address", a)
	case a.Is4() && a.As4()[0] >= 240:
		why = fmt.Sprintf("%s is the broadcast address or reserved", a)
	case a.Is6() && a.IsLinkLocalUnicast() && link == "":
		why = fmt.Sprintf("%s is link-local and no link is named", a)
	default:
		return true
	}
	v.add(p, fmt.Sprintf("%s cannot be a %s", a, kind), why+".", "")
	return false
}

// together checks what vips, virtuals and servers say of the same address.
func (v *verdicts) together(d Document) {
	links := make(map[netip.Addr]claim)
	ours := make(map[netip.Addr]string)
	note := func(p path, a netip.Addr, link, by string) {
		if !a.IsValid() {
			return
		}
		ours[a] = by
		first, ok := links[a]
		switch {
		case link == "":
		case !ok:
			links[a] = claim{link, by}
		case first.link != link:
			v.add(p.attr("interface"), fmt.Sprintf("address %s is on interface %q by this and on %q by %s", a, link, first.link, first.by),
				"An address is held on one link.", "Name the interface once, or the same.")
		}
	}
	for _, x := range d.VIPs {
		note(path("").block("vip", x.Name), x.Address.Addr(), x.Interface, fmt.Sprintf("vip %q", x.Name))
	}
	for _, x := range d.Virtuals {
		note(path("").block("virtual", x.Name), x.Address, x.Interface, fmt.Sprintf("virtual %q", x.Name))
	}
	for _, x := range d.Virtuals {
		p := path("").block("virtual", x.Name)
		for _, s := range x.Servers {
			v.notOurs(p.block("server", s.Name).attr("address"), s.Address.Addr(), ours)
		}
		for _, s := range x.Sorry {
			v.notOurs(p.block("sorry_server", s.Name).attr("address"), s.Address.Addr(), ours)
		}
	}
}

type claim struct{ link, by string }

func (v *verdicts) notOurs(p path, a netip.Addr, ours map[netip.Addr]string) {
	if by, ok := ours[a]; ok {
		v.add(p, fmt.Sprintf("%s is the address of %s", a, by), "The director holds that address itself; a server needs its own.", "")
	}
}
