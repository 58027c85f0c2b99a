package realserver

import (
	"fmt"
	"slices"
	"strings"
)

// Level is how bad a finding is.
type Level string

// The levels: as it must be; it depends on what cannot be seen from here; requests get lost or the segment is confused.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail"
)

// Finding is one thing that was looked at. Fix is what to do about it, unless it is OK.
type Finding struct {
	Name   string
	Level  Level
	Detail string
	Fix    string
}

func ok(name, detail string) Finding        { return Finding{name, OK, detail, ""} }
func warn(name, detail, fix string) Finding { return Finding{name, Warn, detail, fix} }
func fail(name, detail, fix string) Finding { return Finding{name, Fail, detail, fix} }

// Check says whether m can take the requests for what is wished, whoever set it up. Whether services answer is asked by Services.
func Check(wishes []Wish, m Machine) []Finding {
	var found []Finding
	for _, w := range wishes {
		found = append(found, m.checkAddress(w))
	}
	if slices.ContainsFunc(wishes, func(w Wish) bool { return w.Address.Is4() }) {
		found = append(found, m.checkARP(arpIgnore, keepsQuiet, "1", "answers who asks for the virtual address")...)
		found = append(found, m.checkARP(arpAnnounce, func(v int) bool { return v >= 2 }, "2", "may ask its questions with the virtual address as sender")...)
	}
	var seen []Finding
	for _, w := range wishes {
		if w.Method == Tun {
			seen = append(seen, m.checkTunnel(w)...)
		} else if w.Address.Is4() {
			seen = append(seen, m.checkSource()...)
		}
	}
	for i, f := range seen { // what several addresses share is said once
		if !slices.Contains(seen[:i], f) {
			found = append(found, f)
		}
	}
	return found
}

func (m Machine) checkAddress(w Wish) Finding {
	a, on := w.Address, "lo"
	if w.Method == Tun && a.Is4() {
		on = w.unpacker().native
	}
	name, add := "address "+a.String(), Change{Thing{Address, host(a).String(), on}, "", here}.Command()
	quiet := ""
	for _, at := range m.at(a) {
		take := "ip addr del " + at.Prefix.String() + " dev " + at.Link
		switch d, _ := m.device(at.Link); {
		case !d.Quiet:
			return fail(name, "is on "+at.Link+", which answers ARP: this machine takes the requests from the router", take+"; "+add)
		case at.Prefix != host(a):
			return fail(name, fmt.Sprintf("is on %s as %s: the machine takes all of that subnet for itself", at.Link, at.Prefix), take+"; "+add)
		case !d.Up:
			return fail(name, "is on "+at.Link+", which is down", Change{Thing{State, at.Link, ""}, down, up}.Command())
		}
		quiet = at.Link
	}
	if quiet == "" {
		return fail(name, "is on no link: requests for it are dropped", add)
	}
	return ok(name, "on "+quiet)
}

// checkARP looks at a setting on every link that speaks ARP.
func (m Machine) checkARP(setting string, good func(int) bool, want, why string) []Finding {
	var found []Finding
	var well []string
	for _, d := range m.Links {
		if d.Quiet || !d.Up {
			continue
		}
		v := m.inEffect(setting, d.Name)
		if good(v) {
			well = append(well, fmt.Sprintf("%d on %s", v, d.Name))
			continue
		}
		path := confPath("all", setting)
		if own := confPath(d.Name, setting); m.Settings[own] == fmt.Sprint(v) && v > 0 { // greater than that of all would be
			path = own
		}
		found = append(found, fail(setting, fmt.Sprintf("%d on %s: it %s", v, d.Name, why), SettingCommand(path, want)))
	}
	if len(found) == 0 {
		found = append(found, ok(setting, listed(well)))
	}
	return found
}

// checkSource warns of links where strict filtering would drop requests from beyond the segment.
func (m Machine) checkSource() []Finding {
	var out []string
	for _, r := range m.Defaults {
		if r.Family == IPv4 {
			out = append(out, r.Link)
		}
	}
	var found []Finding
	for _, d := range m.Links {
		if d.Quiet || !d.Up || len(out) == 0 || slices.Contains(out, d.Name) || m.inEffect(rpFilter, d.Name) != strict {
			continue
		}
		found = append(found, warn(rpFilter, fmt.Sprintf("1 on %s, and the default route leaves by %s: requests of clients beyond the segment that the router sends to %s are dropped",
			d.Name, listed(out), d.Name), SettingCommand(confPath(d.Name, rpFilter), "2")))
	}
	return found
}

func (m Machine) checkTunnel(w Wish) []Finding {
	u := w.unpacker()
	d, there := m.unpackingSome(u)
	if !there {
		return []Finding{fail("tunnel", fmt.Sprintf("no device of kind %s takes packets from every router", u.kind), "modprobe "+u.module+"; ip link set "+u.native+" up")}
	}
	var found []Finding
	if d.Up {
		found = append(found, ok("tunnel", d.Name+" is up"))
	} else {
		found = append(found, fail("tunnel", d.Name+" is down", Change{Thing{State, d.Name, ""}, down, up}.Command()))
	}
	if w.Address.Is4() && d.Kind == kindIP6Tunnel && d.Mode != anyMode && d.Mode != "ipip6" {
		found = append(found, fail("tunnel", d.Name+" unpacks IPv6 only", Change{Thing{Mode, d.Name, ""}, d.Mode, anyMode}.Command()))
	}
	if w.Address.Is4() {
		switch v := m.inEffect(rpFilter, d.Name); {
		case v == strict:
			found = append(found, fail(rpFilter, fmt.Sprintf("1 on %s: what comes out of the tunnel is dropped, for its answer leaves by another link", d.Name), SettingCommand(confPath(d.Name, rpFilter), "2")))
		case m.drops(d.Name):
			found = append(found, fail(rpFilter, fmt.Sprintf("%d on %s, which has no address: what comes out of the tunnel is dropped", v, d.Name), "have the virtual address on "+d.Name+" instead of another link"))
		default:
			found = append(found, ok(rpFilter, fmt.Sprintf("%d on %s", v, d.Name)))
		}
	}
	if t := w.receiver(); w.Tunnel == GUE && m.value(t) == "" {
		found = append(found, fail("gue", fmt.Sprintf("nothing takes its header off at UDP port %d of %s", w.TunnelPort, w.Outer), Change{t, "", gue}.Command()))
	} else if w.Tunnel == GUE {
		found = append(found, ok("gue", fmt.Sprintf("UDP port %d of %s", w.TunnelPort, w.Outer)))
	}
	return append(found, m.checkSize(w)...)
}

// checkSize looks whether this machine tells its clients to send segments that still fit when the tunnel is around them.
func (m Machine) checkSize(w Wish) []Finding {
	family, headers := familyOf(w.Address), 20+20
	if family == IPv6 {
		headers += 20
	}
	var found []Finding
	for _, r := range m.Defaults {
		d, _ := m.device(r.Link)
		fits := d.MTU - w.overhead() - headers
		if r.Family != family || r.AdvMSS > 0 && r.AdvMSS <= fits {
			continue
		}
		change := []string{"ip"}
		if family == IPv6 {
			change = append(change, "-6")
		}
		change = append(change, "route", "change", "default")
		if r.Via.IsValid() {
			change = append(change, "via", r.Via.String())
		}
		change = append(change, "dev", r.Link, "advmss", fmt.Sprint(fits))
		found = append(found, warn("segments", fmt.Sprintf("clients may send %d bytes, and %d fit in the tunnel, unless every link from the routers carries packets of %d",
			d.MTU-headers, fits, d.MTU+w.overhead()), strings.Join(change, " ")))
	}
	return found
}
