package convert

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"polso/config"
)

// virtual translates one virtual.
func (l *ldirectord) virtual(s *section) {
	x, err := l.identity(s)
	if err != nil {
		l.say(s.head, Lost, "the virtual is left out with its %d lines: %v", len(s.settings)+len(s.reals)+len(s.replaced), err)
		return
	}
	wish := virtualName(x)
	if d, ok := s.take("servicename"); ok {
		wish = cmp.Or(d.quoted(), wish)
	}
	v := l.builder.virtual(wish, l.place(s.head))
	v.Address, v.Ports, v.Protocol, v.FWMark, v.Family = x.Address, x.Ports, x.Protocol, x.FWMark, x.Family
	l.about = v.path
	for _, d := range s.adrift {
		if l.full() != nil {
			return
		}
		l.say(d, Hint, "ldirectord refuses a file whose virtual has an empty line within, or a line indented by less than four blanks")
	}
	l.scheduling(s, v)
	l.persistence(s, v)
	v.OnFailure = onFailure(l.yes(s, "quiescent", l.quiesces))
	written := l.servers(s, v)
	l.sorry(s, v)
	l.check(s, v, written)
	l.mails(s, v)
	l.fallbackCommand(s, v)
	l.leftovers(s)
	l.about = ""
}

// identity translates what the virtual is reached at.
func (l *ldirectord) identity(s *section) (config.Virtual, error) {
	word := firstWord(s.head.value)
	if mark, err := parseMark(word); err == nil {
		family := config.IPv4
		if s.head.key == "virtual6" {
			family = config.IPv6
		}
		if d, ok := s.take("protocol"); ok && firstWord(d.value) != "fwm" {
			l.say(d, Lost, "the protocol of a firewall mark is fwm, and the rule that sets the mark says the rest")
		}
		return config.Virtual{FWMark: mark, Family: family}, nil
	}
	first, last, port, err := parseHosts(word)
	switch {
	case err != nil:
		return config.Virtual{}, err
	case first != last:
		return config.Virtual{}, errors.New("it is a range of addresses")
	}
	x := config.Virtual{Address: first, Ports: []uint16{port}, Protocol: config.TCP, Family: config.IPv6}
	if first.Is4() {
		x.Family = config.IPv4
	}
	if port == 53 {
		x.Protocol = config.UDP
	}
	if d, ok := s.take("protocol"); ok {
		switch word := config.Protocol(firstWord(d.value)); word {
		case config.TCP, config.UDP, config.SCTP:
			x.Protocol = word
		default:
			l.say(d, Lost, "the protocol of an address is tcp or udp; it is taken for %s", x.Protocol)
		}
	}
	return x, nil
}

func (l *ldirectord) scheduling(s *section, v *virtual) {
	v.Scheduler = "wrr"
	if d, ok := s.take("scheduler"); ok {
		if word := firstWord(d.value); slices.Contains(config.Schedulers(), word) {
			v.Scheduler = word
		} else {
			l.say(d, Lost, "scheduler %q is not known; it is wrr, as ldirectord has it by default", word)
		}
	}
	if d, ok := s.take("schedflags"); ok {
		var unknown []string
		if v.Flags, unknown = schedulerFlags(firstWord(d.value)); len(unknown) > 0 {
			l.say(d, Lost, "scheduler flag %q is not known", strings.Join(unknown, ","))
		}
	}
	if d, ok := s.settings["ops"]; ok {
		switch yes := l.yes(s, "ops", false); {
		case yes && v.Protocol == config.UDP:
			v.Flags = append(v.Flags, "ops")
		case yes:
			l.say(d, Hint, "ldirectord heeds it with udp alone")
		}
	}
}

// schedulerFlags translates ipvsadm's list of scheduler flags: sh-fallback,sh-port.
func schedulerFlags(list string) (flags, unknown []string) {
	for word := range strings.SplitSeq(list, ",") {
		switch word {
		case "sh-fallback", "mh-fallback":
			flags = append(flags, "fallback")
		case "sh-port", "mh-port":
			flags = append(flags, "port")
		case "flag-1", "flag-2", "flag-3":
			flags = append(flags, word)
		default:
			unknown = append(unknown, word)
		}
	}
	return flags, unknown
}

func (l *ldirectord) persistence(s *section, v *virtual) {
	d, persistent := s.settings["persistent"]
	if persistent {
		l.at(v.path+" persistent", l.place(d))
	}
	if n := l.number(s, "persistent", 0); n > 0 {
		v.Persistent = &config.Persistent{Timeout: time.Duration(min(n, mostPersistent)) * time.Second}
	}
	mask, masked := s.take("netmask")
	switch bits, err := parseMask(firstWord(mask.value)); {
	case !masked:
	case !persistent:
		l.say(mask, Hint, "it means nothing without persistent")
	case err != nil:
		l.say(mask, Lost, "every client counts for itself: %v", err)
	case v.Persistent != nil:
		v.Persistent.Mask = bits
	}
}

// mostPersistent keeps seconds from overflowing; what the kernel takes is for the document's rules to say.
const mostPersistent = 1 << 31

func onFailure(quiesces bool) config.OnFailure {
	if quiesces {
		return config.Quiesce
	}
	return config.Remove
}
