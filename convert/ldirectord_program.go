package convert

import (
	"fmt"
	"path/filepath"
	"strings"

	"polso/config"
)

// command is how the virtual's program is run as ldirectord runs it: with the virtual's address and port and the server's, and any
// status but 0 is down. It is nil if nothing can be run.
func (l *ldirectord) command(s *section, c ldCheck, v *virtual) []string {
	d, ok := s.take("checkcommand")
	if !ok {
		l.say(c.at, Hint, "without a checkcommand ldirectord runs /bin/true; %s", unchecked)
		return nil
	}
	program := strings.Trim(d.value, `"`)
	if !filepath.IsAbs(program) {
		l.say(d, Lost, "%q is not an absolute path, and a document takes no other; %s", program, unchecked)
		return nil
	}
	words := []string{program}
	if c.kind == "external-perl" {
		words = []string{"/usr/bin/perl", program}
		l.say(c.at, Changed, "the program is run anew for each check, by /usr/bin/perl")
	}
	address, port := fmt.Sprint(v.FWMark), "0"
	if v.FWMark == 0 {
		address, port = v.Address.String(), fmt.Sprint(v.Ports[0])
	}
	l.say(d, Changed, `it is run as nobody: write user = "root" if it needs that`)
	own := "%p"
	for _, x := range v.servers {
		if v.portOf(x) == 0 {
			own = "0" // as ldirectord says it of a server without a port
		}
	}
	return append([]string{"/bin/sh", "-c", `"$@" || exit 1`, "ldirectord"}, append(words, address, port, "%h", own)...)
}

// fallbackCommand translates what is run when the servers of a virtual are down, and when the first is back.
func (l *ldirectord) fallbackCommand(s *section, v *virtual) {
	d, own := s.take("fallbackcommand")
	if !own {
		var ok bool
		if d, ok = l.global.settings["fallbackcommand"]; !ok {
			return
		}
	}
	key := "fallbackcommand " + d.quoted()
	n := l.told[key]
	if n == nil {
		const script = `set -- $POLSO_ADDRESS; case $POLSO_EVENT in virtual_down) %[1]s start $2 $1;; *) %[1]s stop $2 $1;; esac`
		n = l.runNotify("fallback", l.place(d), []string{"/bin/sh", "-c", fmt.Sprintf(script, d.quoted())}, config.EventVirtualDown, config.EventVirtualUp)
		l.told[key] = n
	}
	n.virtuals = append(n.virtuals, v)
}
