package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// RouterCheck is something that a router asks of itself, to tell whether it should direct. Exactly one of Command, Ping, File and
// Interface is set.
type RouterCheck struct {
	Name      string
	Command   []string      // succeeds, by its exit status; the program and its arguments
	User      string        // who runs Command; nobody unless said otherwise
	Ping      netip.Addr    // answers
	File      string        // exists
	Contains  string        // of File: and holds this; "": whatever it holds
	Absent    bool          // of File: it does not exist, or does not hold Contains
	Interface string        // a logical interface, which is up
	Every     time.Duration // 100 ms to 1 h; 2 s unless said otherwise
	Timeout   time.Duration // 10 ms to Every; 1 s, or Every if that is shorter, unless said otherwise
	Rise      int           // successes in a row that end a failure; 2 unless said otherwise
	Fall      int           // failures in a row that make one; 3 unless said otherwise
	Penalty   int           // while it fails: how far the router stands back; 0: it is not fit to direct
	Routers   []string      // where it runs, sorted; empty: on every router
}

// KindRouterCheck is a Change about a RouterCheck.
const KindRouterCheck Kind = "router_check"

const (
	maxRouterChecks = 64   // each is asked on every router, up to ten times a second
	maxPenalty      = 1000 // keeps sums of penalties small
)

// On tells whether a router of that name makes the check.
func (c RouterCheck) On(router string) bool {
	return len(c.Routers) == 0 || slices.Contains(c.Routers, router)
}

// Clone returns a copy that shares nothing with c.
func (c RouterCheck) Clone() RouterCheck {
	c.Command, c.Routers = cloneList(c.Command), cloneList(c.Routers)
	return c
}

func (r *reader) routerCheck(b *hclsyntax.Block, p path) {
	if len(b.Labels) == 0 {
		return
	}
	c := RouterCheck{Name: b.Labels[0], Every: 2 * time.Second, Rise: 2, Fall: 3}
	r.body(b.Body, p, map[string]func(value){
		"command":   setTexts(&c.Command),
		"user":      setText(&c.User),
		"ping":      func(a value) { a.address(func(x netip.Addr) { c.Ping = x }) },
		"file":      setText(&c.File),
		"contains":  setText(&c.Contains),
		"absent":    setBool(&c.Absent),
		"interface": setText(&c.Interface),
		"every":     setDuration(&c.Every),
		"timeout":   setDuration(&c.Timeout),
		"rise":      setInt(&c.Rise),
		"fall":      setInt(&c.Fall),
		"penalty":   setInt(&c.Penalty),
		"routers":   setTexts(&c.Routers),
	}, nil)
	for _, name := range []string{"command", "ping", "file", "interface"} {
		if r.unread[p.attr(name)] { // it was said what is asked, if not understood
			r.unread[p] = true
		}
	}
	r.doc.RouterChecks = append(r.doc.RouterChecks, c)
}

// complete fills in the defaults that depend on others.
func (c *RouterCheck) complete() {
	if c.Timeout == 0 {
		c.Timeout = min(time.Second, c.Every)
	}
	if len(c.Command) > 0 {
		c.User = cmp.Or(c.User, "nobody")
	}
}

func (v *verdicts) routerChecks(list []RouterCheck) {
	seen := make(map[string]bool)
	for i, c := range list {
		p := path("").block("router_check", c.Name)
		v.last(p, "router_check", i, maxRouterChecks, "A program can ask many things at once: command.")
		v.name(p, "router_check name", c.Name)
		if seen[c.Name] {
			v.add(p, fmt.Sprintf("router_check %q is there twice", c.Name), "", "Rename one of them.")
		}
		seen[c.Name] = true
		v.asked(p, c)
		if v.within(p.attr("every"), c.Every, minEvery, maxEvery) && v.within(p.attr("timeout"), c.Timeout, minProbe, maxEvery) && c.Timeout > c.Every {
			v.add(p.attr("timeout"), fmt.Sprintf("timeout %s is longer than every (%s)", Brief(c.Timeout), Brief(c.Every)), "It has to end before the next one begins.", "")
		}
		v.between(p.attr("rise"), "rise", c.Rise, 1, maxStreak)
		v.between(p.attr("fall"), "fall", c.Fall, 1, maxStreak)
		v.between(p.attr("penalty"), "penalty", c.Penalty, 0, maxPenalty)
		for i, name := range c.Routers {
			if v.name(p.attr("routers"), "router name", name) && slices.Index(c.Routers, name) < i {
				v.add(p.attr("routers"), fmt.Sprintf("router %q is named twice", name), "", "")
			}
		}
	}
}

// asked checks what a router asks of itself.
func (v *verdicts) asked(p path, c RouterCheck) {
	var what []string
	for _, k := range []struct {
		name    string
		written bool
	}{{"command", len(c.Command) > 0}, {"ping", c.Ping.IsValid()}, {"file", c.File != ""}, {"interface", c.Interface != ""}} {
		if k.written {
			what = append(what, k.name)
		}
	}
	switch {
	case len(what) == 0:
		v.add(p, "a router_check needs command, ping, file or interface", "It says what the router asks of itself.", `Write ping = "192.0.2.1", for one.`)
	case len(what) > 1:
		v.add(p.attr(what[1]), fmt.Sprintf("%s does not go with %s", what[1], what[0]), "A router_check asks one thing.", "Make two of it.")
	}
	absolute := func(attr, file string) {
		if file != "" && !filepath.IsAbs(file) {
			v.add(p.attr(attr), fmt.Sprintf("%s %q does not begin with /", attr, file), "Every router has it at the same place.", "")
		}
	}
	if len(c.Command) > 0 {
		absolute("command", c.Command[0])
	} else if c.User != "" {
		v.add(p.attr("user"), "user goes with command", "", "Remove it.")
	}
	absolute("file", c.File)
	if c.File == "" && (c.Contains != "" || c.Absent) {
		v.add(p, "contains and absent go with file", "", "Remove them.")
	}
	if c.Interface != "" {
		v.name(p.attr("interface"), "interface", c.Interface)
	}
}

func (v *verdicts) between(p path, what string, n, least, most int) {
	if n < least || n > most {
		v.add(p, fmt.Sprintf("%s %d is not between %d and %d", what, n, least, most), "", "")
	}
}

// wireRouterCheck is the canonical form; see wireDocument.
type wireRouterCheck struct {
	Name      string     `json:"name"`
	Command   []string   `json:"command,omitempty"`
	User      string     `json:"user,omitzero"`
	Ping      netip.Addr `json:"ping,omitzero"`
	File      string     `json:"file,omitzero"`
	Contains  string     `json:"contains,omitzero"`
	Absent    bool       `json:"absent,omitzero"`
	Interface string     `json:"interface,omitzero"`
	Every     seconds    `json:"every"`
	Timeout   seconds    `json:"timeout"`
	Rise      int        `json:"rise"`
	Fall      int        `json:"fall"`
	Penalty   int        `json:"penalty,omitzero"`
	Routers   []string   `json:"routers,omitempty"`
}

func routerCheckToWire(c RouterCheck) wireRouterCheck {
	return wireRouterCheck{
		Name: c.Name, Command: c.Command, User: c.User, Ping: c.Ping, File: c.File, Contains: c.Contains, Absent: c.Absent, Interface: c.Interface,
		Every: seconds(c.Every), Timeout: seconds(c.Timeout), Rise: c.Rise, Fall: c.Fall, Penalty: c.Penalty, Routers: c.Routers,
	}
}

func routerCheckFromWire(w wireRouterCheck) RouterCheck {
	return RouterCheck{
		Name: w.Name, Command: w.Command, User: w.User, Ping: w.Ping, File: w.File, Contains: w.Contains, Absent: w.Absent, Interface: w.Interface,
		Every: time.Duration(w.Every), Timeout: time.Duration(w.Timeout), Rise: w.Rise, Fall: w.Fall, Penalty: w.Penalty, Routers: w.Routers,
	}
}

func (w writer) routerCheck(c RouterCheck) {
	w = w.block("router_check", c.Name)
	w.texts("command", c.Command)
	if c.User != "nobody" {
		w.text("user", c.User)
	}
	if c.Ping.IsValid() {
		w.text("ping", c.Ping.String())
	}
	w.text("file", c.File)
	w.text("contains", c.Contains)
	w.yes("absent", c.Absent)
	w.text("interface", c.Interface)
	w.text("every", Brief(c.Every))
	w.text("timeout", Brief(c.Timeout))
	w.number("rise", c.Rise)
	w.number("fall", c.Fall)
	if c.Penalty != 0 {
		w.number("penalty", c.Penalty)
	}
	w.texts("routers", c.Routers)
}

// Asks is what a router asks of itself, in a few words: "ping 192.0.2.1".
func (c RouterCheck) Asks() string {
	switch {
	case len(c.Command) > 0:
		return "command " + strings.Join(c.Command, " ")
	case c.Ping.IsValid():
		return "ping " + c.Ping.String()
	case c.Interface != "":
		return "interface " + c.Interface
	}
	text := "file " + c.File
	if c.Contains != "" {
		text += fmt.Sprintf(" contains %q", c.Contains)
	}
	if c.Absent {
		text += ", absent"
	}
	return text
}

func routerCheckFields(c RouterCheck) []field {
	penalty := ""
	if c.Penalty != 0 {
		penalty = fmt.Sprint(c.Penalty)
	}
	return []field{
		{"name", c.Name},
		{"asks", c.Asks()},
		{"user", c.User},
		{"every", Brief(c.Every)},
		{"timeout", Brief(c.Timeout)},
		{"rise", fmt.Sprint(c.Rise)},
		{"fall", fmt.Sprint(c.Fall)},
		{"penalty", penalty},
		{"routers", strings.Join(c.Routers, ", ")},
	}
}

func routerCheckChanges(from, to *RouterCheck) Changes {
	switch {
	case from == nil:
		return Changes{{Symbol: Added, Kind: KindRouterCheck, Name: to.Name, Text: to.Asks() + " every " + Brief(to.Every)}}
	case to == nil:
		return Changes{{Symbol: Removed, Kind: KindRouterCheck, Name: from.Name, Text: from.Asks()}}
	}
	fields := fieldChanges(routerCheckFields(*from), routerCheckFields(*to))
	if len(fields) == 0 {
		return nil
	}
	return Changes{{Symbol: Changed, Kind: KindRouterCheck, Name: to.Name, Fields: fields}}
}

func routerCheckPairs(from, to []RouterCheck) []pair[RouterCheck] {
	name := func(c RouterCheck) string { return c.Name }
	return pairs(from, to, name, name)
}

func routerCheckTopic() Topic {
	return Topic{Name: "router_check", Label: "name", Text: "What a router asks of itself, to tell whether it should direct. One of command, ping, file and interface says what.", Topics: []Topic{
		{Name: "command", Form: Texts, Value: `a program and its arguments, such as ["/usr/local/bin/uplink", "eth0"]`, Text: "Exit status 0 is success. It gets no shell, and is killed with all that it started when timeout is over."},
		{Name: "user", Form: Text, Value: "a user of every router", Default: `"nobody"`, Text: "Who runs the command."},
		{Name: "ping", Form: Text, Value: "an IP address", Text: "It answers an ICMP echo request: the gateway, for one."},
		{Name: "file", Form: Text, Value: "begins with /", Text: "The file exists."},
		{Name: "contains", Form: Text, Value: "a text", Default: "whatever it holds", Text: "The file holds that; of its first 64 KiB."},
		{Name: "absent", Form: Truth, Default: "false", Text: "The other way round: the file must not be there, or not hold contains."},
		{Name: "interface", Form: Text, Value: "a logical interface", Text: "The link is up; each router maps it to a device."},
		{Name: "every", Form: Text, Value: durations + ", 100ms to 1h", Default: `"2s"`, Text: "How often it is asked."},
		{Name: "timeout", Form: Text, Value: durations + ", 10ms to every", Default: `"1s"`, Text: "How long an answer may take; every, if that is shorter."},
		{Name: "rise", Form: Number, Value: "1 to 1000", Default: "2", Text: "How many successes in a row end a failure."},
		{Name: "fall", Form: Number, Value: "1 to 1000", Default: "3", Text: "How many failures in a row make one."},
		{Name: "penalty", Form: Number, Value: "0 to 1000", Default: "0", Text: "How far a router stands back while it fails: who has a smaller sum directs. 0: it is not fit to direct."},
		{Name: "routers", Form: Texts, Value: "names of routers", Default: "[]", Text: "Where it is asked; of nobody, everywhere."},
	}}
}
