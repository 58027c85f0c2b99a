package convert

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"polso/config"
)

// ipvsadm turns lines for `ipvsadm -R` into parts of a document.
type ipvsadm struct {
	*builder
	services map[string]*virtual // by ipvsCommand.service
}

// IPVSAdm reads what `ipvsadm -S -n` prints, or a list of commands of the kind that makes a table. A program printed the text, so
// what is not understood is no slip to pass over: the error says which line it is. Names of hosts and ports are refused, since only
// the machine that printed them knows what they mean.
func IPVSAdm(files ...File) (Result, error) {
	if err := tooLong(files); err != nil {
		return Result{}, err
	}
	i := &ipvsadm{builder: newBuilder("ipvsadm -S", files), services: make(map[string]*virtual)}
	for _, f := range files {
		number := 0
		for line := range strings.Lines(string(f.Text)) {
			number++
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' {
				continue
			}
			if err := i.line(place{f.Name, number, line}); err != nil {
				return Result{}, err
			}
		}
	}
	if i.cluster.Timeouts == (config.Timeouts{}) {
		i.hint("cluster", place{file: files[0].Name}, "ipvsadm -S does not say the timeouts: if ipvsadm -L --timeout shows others than 900 120 300, write them into a timeouts block")
	}
	for _, v := range i.virtuals {
		i.hint(v.path, i.where(v.path), "the kernel's table has no checks: without one a server counts as up")
	}
	return i.finish()
}

// ipvsError is what is wrong with a line, and what to do.
type ipvsError struct{ what, fix string }

func (e ipvsError) Error() string { return e.what }

const withNumbers = "Write the table with numbers: ipvsadm -S -n."

func (i *ipvsadm) line(at place) error {
	c, err := parseIPVSCommand(strings.Fields(at.text))
	if err == nil {
		err = i.command(c, at)
	}
	if err == nil {
		return i.full()
	}
	e, ok := err.(ipvsError)
	if !ok {
		e = ipvsError{err.Error(), "What is read here is the output of ipvsadm -S -n."}
	}
	return &Error{File: at.file, Line: at.line, What: e.what, Fix: e.fix}
}

func (i *ipvsadm) command(c ipvsCommand, at place) error {
	switch c.verb {
	case "A":
		return i.service(c, at)
	case "a":
		return i.destination(c, at)
	case "set":
		return i.timeouts(c, at)
	case "C", "Z":
		i.hint("", at, "not needed: applying a document replaces the one before")
	case "start-daemon":
		return i.syncDaemon(c, at)
	default:
		return fmt.Errorf("-%s makes no table", c.verb)
	}
	return nil
}

// service adds a virtual.
func (i *ipvsadm) service(c ipvsCommand, at place) error {
	x, err := c.identity()
	if err != nil {
		return err
	}
	if _, twice := i.services[c.service]; twice {
		return fmt.Errorf("service %s is there twice", c.service)
	}
	v := i.virtual(virtualName(x), at)
	v.Address, v.Ports, v.Protocol, v.FWMark, v.Family = x.Address, x.Ports, x.Protocol, x.FWMark, x.Family
	i.services[c.service] = v
	for _, name := range c.names() {
		value := c.options[name]
		switch name {
		case "s":
			if !slices.Contains(config.Schedulers(), value) {
				return fmt.Errorf("scheduler %q is not known", value)
			}
			v.Scheduler = value
		case "p":
			if v.Persistent, err = c.persistence(); err != nil {
				return err
			}
		case "M":
			if _, ok := c.options["p"]; !ok {
				i.hint(v.path, at, "a netmask means nothing without -p")
			}
		case "o":
			v.Flags = append(v.Flags, "ops")
		case "b":
			flags, unknown := schedulerFlags(value)
			if len(unknown) > 0 {
				return fmt.Errorf("scheduler flag %q is not known", unknown[0])
			}
			v.Flags = append(v.Flags, flags...)
		case "pe":
			if v.Persistent == nil {
				return fmt.Errorf("--pe needs -p")
			}
			v.Persistent.Engine = value
		default:
			return fmt.Errorf("option -%s does not go with -A", name)
		}
	}
	return nil
}

// persistence reads -p [SECONDS] [-M NETMASK].
func (c ipvsCommand) persistence() (*config.Persistent, error) {
	p := &config.Persistent{Timeout: 5 * time.Minute} // ipvsadm's default too
	if value := c.options["p"]; value != "" {
		seconds, err := strconv.ParseUint(value, 10, 31)
		if err != nil || seconds == 0 {
			return nil, fmt.Errorf("-p %s is not a number of seconds", value)
		}
		p.Timeout = time.Duration(seconds) * time.Second
	}
	mask, ok := c.options["M"]
	if !ok {
		return p, nil
	}
	var err error
	p.Mask, err = parseMask(mask)
	return p, err
}

// destination adds a server to its virtual.
func (i *ipvsadm) destination(c ipvsCommand, at place) error {
	if _, err := c.identity(); err != nil {
		return err
	}
	v, ok := i.services[c.service]
	if !ok {
		return fmt.Errorf("service %s has no -A line above", c.service)
	}
	address, ok := c.options["r"]
	if !ok {
		return fmt.Errorf("a server needs -r")
	}
	a, err := numericAddress(address)
	if err != nil {
		return err
	}
	s := v.serverAt(a, at)
	s.Forward = c.forward()
	if s.Forward == config.Tun {
		if s.Tunnel, err = c.tunnel(); err != nil {
			return err
		}
	}
	if len(v.servers) == 1 {
		v.Forward, v.Tunnel = s.Forward, s.Tunnel
	}
	if s.Forward != config.NAT && v.FWMark == 0 {
		s.Address = netip.AddrPortFrom(a.Addr(), 0) // as in the kernel, whatever is written
	}
	for _, name := range c.names() {
		value := c.options[name]
		switch name {
		case "r", "g", "m", "i":
		case "w":
			n, err := strconv.ParseUint(value, 10, 16)
			if err != nil {
				return fmt.Errorf("weight %s is not between 0 and 65535", value)
			}
			if s.Weight = int(n); n == 0 {
				i.hint(s.path, at, "weight 0 takes no new connection; if a check or somebody's hand set it for a while, write what it should be")
			}
		case "x", "y":
			n, err := strconv.ParseUint(value, 10, 31)
			if err != nil {
				return fmt.Errorf("threshold %s is not between 0 and 2147483647", value)
			}
			*map[string]*int{"x": &s.Upper, "y": &s.Lower}[name] = int(n)
		case "tun-type", "tun-port", "tun-nocsum", "tun-csum", "tun-remcsum":
			if s.Forward != config.Tun {
				i.hint(s.path, at, "-%s means nothing without -i", name)
			}
		default:
			return fmt.Errorf("option -%s does not go with -a", name)
		}
	}
	return nil
}

// timeouts takes over `--set TCP TCPFIN UDP`; 0 leaves one as it was.
func (i *ipvsadm) timeouts(c ipvsCommand, at place) error {
	if len(c.values) != 3 {
		return fmt.Errorf("--set takes three numbers of seconds")
	}
	t := &i.cluster.Timeouts
	for n, field := range []*time.Duration{&t.TCP, &t.TCPFin, &t.UDP} {
		seconds, err := strconv.ParseUint(c.values[n], 10, 31)
		if err != nil {
			return fmt.Errorf("%q is not a number of seconds", c.values[n])
		}
		if seconds > 0 {
			*field = time.Duration(seconds) * time.Second
		}
	}
	i.at("cluster timeouts", at)
	return nil
}

// identity is what the service is reached at.
func (c ipvsCommand) identity() (config.Virtual, error) {
	protocols := map[string]config.Protocol{"t": config.TCP, "u": config.UDP, "sctp-service": config.SCTP}
	kind, value, _ := strings.Cut(c.service, " ")
	switch {
	case kind == "f":
		value, six := strings.CutSuffix(value, " 6")
		mark, err := parseMark(value)
		family := config.IPv4
		if six {
			family = config.IPv6
		}
		return config.Virtual{FWMark: mark, Family: family}, err
	case protocols[kind] == "":
		return config.Virtual{}, fmt.Errorf("there is no service in it (-t, -u, -f)")
	}
	a, err := numericAddress(value)
	if err != nil {
		return config.Virtual{}, err
	}
	return config.Virtual{Address: a.Addr(), Ports: []uint16{a.Port()}, Protocol: protocols[kind]}, nil
}

// numericAddress reads ADDRESS or ADDRESS:PORT, IPv6 addresses in brackets.
func numericAddress(text string) (netip.AddrPort, error) {
	host, port := splitPort(text)
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, ipvsError{fmt.Sprintf("%q is not an address", text), withNumbers}
	}
	if port == "" {
		return netip.AddrPortFrom(a, 0), nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, ipvsError{fmt.Sprintf("%q is not a port's number", port), withNumbers}
	}
	return netip.AddrPortFrom(a, uint16(n)), nil
}
