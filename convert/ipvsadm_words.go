package convert

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"polso/config"
)

// ipvsCommand is one of ipvsadm's commands taken apart, every option under its shortest name.
type ipvsCommand struct {
	verb    string            // A, a, C, Z, set, start-daemon, ...
	service string            // the service's own words, which its servers repeat: "t 10.0.0.1:80", "f 7 6"
	options map[string]string // the others; "" for one that takes no value
	values  []string          // of --set
}

// takes says what comes with an option.
type takes uint8

const (
	nothing takes = iota + 1
	aValue
	perhaps // a value, or nothing
)

// ipvsVerb returns a command's short name; "" if the word is not one.
func ipvsVerb(name string) string {
	switch name {
	case "A", "a", "C", "Z", "E", "e", "D", "d", "L", "l", "S", "R", "set", "start-daemon", "stop-daemon":
		return name
	}
	return map[string]string{"add-service": "A", "add-server": "a", "clear": "C", "zero": "Z", "edit-service": "E", "edit-server": "e",
		"delete-service": "D", "delete-server": "d", "list": "L", "save": "S", "restore": "R"}[name]
}

// ipvsOption returns an option's shortest name and what comes with it, which is 0 if there is no such option.
func ipvsOption(name string) (short string, with takes) {
	long := map[string]string{"tcp-service": "t", "udp-service": "u", "fwmark-service": "f", "ipv6": "6", "scheduler": "s", "persistent": "p",
		"netmask": "M", "sched-flags": "b", "ops": "o", "real-server": "r", "gatewaying": "g", "masquerading": "m", "ipip": "i", "weight": "w",
		"u-threshold": "x", "l-threshold": "y", "numeric": "n"}
	if letter, ok := long[name]; ok {
		name = letter
	}
	switch name {
	case "6", "o", "g", "m", "i", "n", "tun-nocsum", "tun-csum", "tun-remcsum":
		return name, nothing
	case "t", "u", "f", "s", "M", "b", "r", "w", "x", "y", "sctp-service", "pe", "tun-type", "tun-port",
		"mcast-interface", "mcast-group", "mcast-port", "mcast-ttl", "sync-maxlen", "syncid":
		return name, aValue
	case "p":
		return name, perhaps
	}
	return name, 0
}

// parseIPVSCommand takes a line apart, which may begin with the program's name.
func parseIPVSCommand(words []string) (ipvsCommand, error) {
	c := ipvsCommand{options: make(map[string]string)}
	if words[0] == "ipvsadm" || strings.HasSuffix(words[0], "/ipvsadm") {
		words = words[1:]
	}
	for len(words) > 0 {
		var err error
		if words, err = c.read(words); err != nil {
			return ipvsCommand{}, err
		}
	}
	if c.verb == "" {
		return ipvsCommand{}, errors.New("there is no command in it (-A, -a)")
	}
	if _, six := c.options["6"]; six {
		delete(c.options, "6")
		c.service += " 6"
	}
	delete(c.options, "n")
	return c, nil
}

// read reads the first word with what belongs to it, and returns the rest.
func (c *ipvsCommand) read(words []string) (rest []string, err error) {
	first, rest := words[0], words[1:]
	switch {
	case strings.HasPrefix(first, "--"):
		name, value, attached := strings.Cut(first[2:], "=")
		return c.option(name, value, attached, rest)
	case strings.HasPrefix(first, "-") && len(first) > 1:
		letter, value := first[1:2], first[2:]
		if _, with := ipvsOption(letter); value != "" && (with == nothing || ipvsVerb(letter) != "") { // several in one word
			rest, err = c.option(letter, "", false, rest)
			return append([]string{"-" + value}, rest...), err
		}
		return c.option(letter, value, value != "", rest)
	case c.verb == "set":
		c.values = append(c.values, first)
		return rest, nil
	default:
		return nil, fmt.Errorf("%q is not an option", first)
	}
}

func (c *ipvsCommand) option(name, value string, attached bool, rest []string) ([]string, error) {
	if verb := ipvsVerb(name); verb != "" {
		if c.verb != "" {
			return nil, fmt.Errorf("there are two commands in it, -%s and -%s", c.verb, verb)
		}
		c.verb = verb
		if strings.HasSuffix(verb, "-daemon") && len(rest) > 0 {
			rest = rest[1:] // master or backup
		}
		return rest, nil
	}
	short, with := ipvsOption(name)
	switch {
	case with == 0:
		return nil, fmt.Errorf("option -%s is not known", name)
	case with == nothing && attached:
		return nil, fmt.Errorf("option -%s takes no value", name)
	case attached || with == nothing:
	case len(rest) > 0 && (with == aValue || !strings.HasPrefix(rest[0], "-")):
		value, rest = rest[0], rest[1:]
	case with == aValue:
		return nil, fmt.Errorf("option -%s has no value", name)
	}
	switch _, twice := c.options[short]; {
	case twice:
		return nil, fmt.Errorf("option -%s is there twice", name)
	case short != "t" && short != "u" && short != "f" && short != "sctp-service":
		c.options[short] = value
	case c.service != "":
		return nil, errors.New("there are two services in it")
	default:
		c.service = short + " " + value
	}
	return rest, nil
}

// names are the options that are there, in a fixed order.
func (c ipvsCommand) names() []string { return slices.Sorted(maps.Keys(c.options)) }

// forward is the way to a server: -g unless said otherwise.
func (c ipvsCommand) forward() config.Forward {
	if _, ok := c.options["m"]; ok {
		return config.NAT
	}
	if _, ok := c.options["i"]; ok {
		return config.Tun
	}
	return config.DR
}

// tunnel is how a server by -i is reached: IP in IP unless said otherwise.
func (c ipvsCommand) tunnel() (config.Tunnel, error) {
	t := config.Tunnel{Type: config.IPIP}
	if kind, ok := c.options["tun-type"]; ok {
		if t.Type = config.TunnelType(kind); t.Type != config.IPIP && t.Type != config.GUE && t.Type != config.GRE {
			return t, fmt.Errorf("tunnel type %q is not known", kind)
		}
	}
	if port, ok := c.options["tun-port"]; ok {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return t, fmt.Errorf("%q is not a port's number", port)
		}
		t.Port = uint16(n)
	}
	for option, sum := range map[string]config.Checksum{
		"tun-nocsum": config.NoChecksum, "tun-csum": config.FullChecksum, "tun-remcsum": config.RemoteChecksum,
	} {
		if _, ok := c.options[option]; ok && t.Type != config.IPIP {
			t.Checksum = sum
		}
	}
	return t, nil
}
