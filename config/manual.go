package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Form is how a value is written.
type Form string

// The forms.
const (
	Text    Form = "text"
	Number  Form = "number"
	Truth   Form = "true or false"
	Texts   Form = "list of texts"
	Numbers Form = "list of numbers"
	TextMap Form = "map of texts"
)

// Topic is one block or attribute of a document and what the manual says of it.
type Topic struct {
	Name    string  `json:"name"`              // as written; "" for the document itself
	Label   string  `json:"label,omitempty"`   // of a block: what stands behind its name
	Form    Form    `json:"form,omitempty"`    // of an attribute; "" for a block
	Value   string  `json:"value,omitempty"`   // of an attribute: what it takes, in words; "" when the form says it all
	Default string  `json:"default,omitempty"` // of an attribute: the value as written, or words
	Text    string  `json:"text"`              // what it means, in sentences
	Since   int     `json:"since,omitempty"`   // the command level that it came with (Levels); 0: the first
	Topics  []Topic `json:"topics,omitempty"`  // of a block: what stands in it
}

// ErrNoTopic means that a document has no such block or attribute.
var ErrNoTopic = errors.New("a document has no such thing")

const (
	durations = `a duration: a number with its unit, such as "500ms", "15m" or "1h30m"`
	required  = "required"
)

// Manual is everything that a document can hold. docs/document.md has the same (TestDocumentPage).
func Manual() Topic { return Levels().dated("", manual()) }

func manual() Topic {
	return Topic{Text: "One document for the whole cluster. What it does not name is removed.", Topics: []Topic{
		{Name: "cluster", Text: "What concerns every router.", Topics: []Topic{
			{Name: "standby", Form: Text, Value: "warm or cold", Default: `"warm"`, Text: "What a router that does not direct keeps in its kernel: warm, the whole table; cold, nothing."},
			{Name: "prefer", Form: Texts, Value: "names of routers", Default: "[]", Text: "The router that should direct first; those that are not named come after them. It orders those that are fit, at every change of the director."},
			{Name: "failback", Form: Truth, Default: "false", Text: "Whether the addresses go back to a router earlier in prefer, once it has been fit for a minute."},
			{Name: "sysctls", Form: TextMap, Value: oneOf(SysctlNames()) + "; each with its value, or keep", Default: "what follows from the document", Text: "Kernel settings, in the place of those that Polso would choose; keep leaves one as each router has it. A star is every link that carries an address of the document."},
			{Name: "timeouts", Text: "How long the kernel remembers connections. What is left out is set to the kernel's own default.", Topics: []Topic{
				{Name: "tcp", Form: Text, Value: durations + "; whole seconds", Default: `"15m"`, Text: "An established TCP connection."},
				{Name: "tcp_fin", Form: Text, Value: durations + "; whole seconds", Default: `"2m"`, Text: "A TCP connection that one side has ended."},
				{Name: "udp", Form: Text, Value: durations + "; whole seconds", Default: `"5m"`, Text: "A flow of UDP."},
			}},
			{Name: "sync_daemon", Text: "Connections are told to the other routers, so that they live through a change of the director. With standby warm only.", Topics: []Topic{
				{Name: "interface", Form: Text, Value: "a logical interface", Default: required, Text: "The link they are told on, in plain text to whoever is on it: one of the routers' own is best. Each router maps it to a device."},
				{Name: "id", Form: Number, Value: "0 to 255", Default: "0", Text: "Which daemons belong together; 0 listens to all."},
				{Name: "group", Form: Text, Value: "a multicast address", Default: `"224.0.0.81"`, Text: "Where they are told; an IPv6 one is possible."},
				{Name: "port", Form: Number, Value: "1 to 65535", Default: "8848", Text: "The UDP port; with net.ipv4.vs.sync_ports above 1 those that follow it too."},
				{Name: "ttl", Form: Number, Value: "1 to 255", Default: "1", Text: "How many routers between them the messages may pass, and one."},
				{Name: "maxlen", Form: Number, Value: "1024 to 65507, 65487 with an IPv6 group", Default: "what fits into 1500 bytes", Text: "The length of a message in bytes; more suits a link of a larger MTU."},
			}},
		}},
		{Name: "vip", Label: "name", Text: "An address that moves with the director whether or not a virtual uses it, for example the gateway of masqueraded servers.", Topics: []Topic{
			{Name: "address", Form: Text, Value: "ADDRESS/PREFIX, or ADDRESS", Default: required, Text: "The prefix tells which link: the one that has an address of exactly that subnet, else, or without a prefix, the one with the longest subnet that has the address. It is put on as /32 or /128."},
			{Name: "interface", Form: Text, Value: "a logical interface", Default: "the link that has the subnet", Text: "Each router maps it to a device (--interface, or node.hcl)."},
			{Name: "group", Form: Text, Value: "a name", Default: `"default"`, Text: "Another one: understood, not supported yet."},
		}},
		{Name: "virtual", Label: "name", Text: "A virtual server: what clients speak to.", Topics: []Topic{
			{Name: "active", Form: Truth, Default: "true", Text: "false: it stays in the document and serves nothing; its address goes, unless something else wants it."},
			{Name: "address", Form: Text, Value: "an IP address", Default: "required unless fwmark", Text: "The virtual address; it needs no vip block."},
			{Name: "port", Form: Number, Value: "1 to 65535, or 0 for every port", Default: "required unless fwmark or ports", Text: "0 is possible with persistent only."},
			{Name: "ports", Form: Numbers, Value: `ports and ranges, such as [80, 443, "8000-8100"]`, Text: "Several ports as one service, under a firewall mark that Polso makes of the virtual's name; with persistent a client goes to one server on all of them."},
			{Name: "protocol", Form: Text, Value: "tcp, udp or sctp", Default: `"tcp"`, Text: "Of the packets that are balanced. A check of an sctp virtual asks over TCP all the same."},
			{Name: "fwmark", Form: Number, Value: "1 to 4294967295, but 1342177280 to 1610612735", Text: "A firewall mark instead of address, port and protocol."},
			{Name: "family", Form: Text, Value: "ipv4 or ipv6", Default: "of the servers", Text: "Of what the mark is on; with fwmark only."},
			{Name: "interface", Form: Text, Value: "a logical interface", Default: "the link that has the subnet", Text: "Where the address is put; each router maps it to a device."},
			{Name: "scheduler", Form: Text, Value: oneOf(Schedulers()), Default: `"wlc"`, Text: "How connections are spread, as far as the kernel has it."},
			{Name: "flags", Form: Texts, Value: "fallback, port (sh, mh; also with the scheduler's name before them, as in ipvsadm), ops (udp), flag-1 to flag-3", Default: "[]", Text: "Flags of the scheduler; ops, one-packet scheduling, forgets a connection after each packet: by nat answers then leave with the server's own address, unless persistent has the engine sip."},
			{Name: "forward", Form: Text, Value: "nat, dr, tun or local", Default: `"dr"`, Text: "How packets reach the servers; a server may differ. local is to the router's own programs."},
			{Name: "masquerade", Form: Truth, Default: "false", Text: "With nat: the servers see the director for the client, and need not have it as their gateway."},
			tunnelTopic("How packets to servers by tun are wrapped; a server may differ."),
			{Name: "on_failure", Form: Text, Value: "remove or quiesce", Default: `"remove"`, Text: "What becomes of a server that fails its check: it leaves the table, or it stays with weight 0."},
			{Name: "min_servers", Form: Number, Value: "1 to the number of servers", Default: "1", Text: "How many servers that are up make the virtual up."},
			{Name: "hysteresis", Form: Number, Value: "0 to the servers beyond min_servers", Default: "0", Text: "A virtual that was down comes back with so many more."},
			{Name: "panic", Form: Number, Value: "0 to 100", Default: "0", Text: "With fewer percent of the servers up the last weights stand: that all are down is more often the prober's fault. 0 is never."},
			{Name: "slow_start", Form: Text, Value: durations + ", 1s to 1h", Default: "none", Text: "Over how long a server that came up gets its weight."},
			{Name: "slow_curve", Form: Text, Value: "linear or doubling", Default: `"linear"`, Text: "How it does; doubling begins with a 32nd. With slow_start."},
			{Name: "probe", Form: Text, Value: "everywhere or director", Default: `"everywhere"`, Text: "Which routers probe; by the director alone a takeover starts without verdicts."},
			{Name: "votes", Form: Number, Value: "1 to 99", Default: "each router follows its own eyes", Text: "A server that a router sees down goes there only if so many routers see it down."},
			sorryTopic(),
			{Name: "persistent", Text: "A client, or a network of them, goes to the same server again.", Topics: []Topic{
				{Name: "timeout", Form: Text, Value: durations, Default: `"5m"`, Text: "How long after its last connection."},
				{Name: "netmask", Form: Text, Value: `such as "/24" or "255.255.255.0"`, Default: "every client for itself", Text: "Clients of the same network count as one."},
				{Name: "engine", Form: Text, Value: "sip", Default: "none", Text: "sip: a call counts as one client, by the Call-ID of its packets; for udp."},
			}},
			checkTopic("How the servers are probed; without one a server counts as up. There is one check a virtual; all, any and some combine several."),
			{Name: "server", Label: "name", Text: "A real server of the virtual.", Topics: []Topic{
				{Name: "address", Form: Text, Value: "ADDRESS or ADDRESS:PORT", Default: required, Text: "The port is the virtual's unless said otherwise; with dr, tun and local it must be. By tun it may be of the other family; by local it is 127.0.0.1 or ::1."},
				{Name: "weight", Form: Number, Value: "0 to 65535", Default: "1", Text: "Its share of the connections; 0 takes no new ones."},
				{Name: "forward", Form: Text, Value: "nat, dr, tun or local", Default: "the virtual's", Text: "How packets reach this one."},
				tunnelTopic("How packets to this one are wrapped, by tun; what it leaves out is the virtual's, unless its type is another."),
				{Name: "upper", Form: Number, Value: "0 to 2147483647", Default: "0", Text: "At so many connections it takes no new one; 0 is no limit."},
				{Name: "lower", Form: Number, Value: "0 to upper", Default: "0", Text: "After upper was reached, it takes connections again below this; 0 is three quarters of upper."},
				checkTopic("Instead of the virtual's."),
			}},
		}},
		notifyTopic(),
		routerCheckTopic(),
	}}
}

// sorryTopic is the attribute, and the block of the same name.
func sorryTopic() Topic {
	return Topic{
		Name: "sorry_server", Form: Text, Value: "ADDRESS or ADDRESS:PORT; or blocks, each with its name",
		Text: "Who answers while the virtual is down; its servers take no new connections then.", Topics: []Topic{
			{Name: "address", Form: Text, Value: "ADDRESS or ADDRESS:PORT", Default: required, Text: "The port is the virtual's unless said otherwise."},
			{Name: "weight", Form: Number, Value: "0 to 65535", Default: "1", Text: "Its share, of several."},
			{Name: "forward", Form: Text, Value: "nat, dr, tun or local", Default: "the virtual's", Text: "How packets reach it."},
			tunnelTopic("How packets to it are wrapped, by tun; what it leaves out is the virtual's, unless its type is another."),
			checkTopic("How it is probed itself; without one it counts as up."),
		},
	}
}

// tunnelTopic is the block in a virtual or in a server.
func tunnelTopic(text string) Topic {
	return Topic{Name: "tunnel", Text: text, Topics: []Topic{
		{Name: "type", Form: Text, Value: "ipip, gue or gre", Default: `"ipip"`, Text: "The encapsulation. gue and gre need Linux 5.3 on the routers; the servers must unwrap it."},
		{Name: "port", Form: Number, Value: "1 to 65535", Default: "6080", Text: "The UDP port that the servers unwrap gue on; gue only."},
		{Name: "checksum", Form: Text, Value: "none, csum or remcsum", Default: `"none"`, Text: "Of the outer packet; gue and gre only, remcsum with gue."},
	}}
}

// Explain returns what stands at a path such as "virtual.check.http.status", the document itself for "". The kind of a check may
// be named or left out. An error is ErrNoTopic and says what was meant or what there is.
func Explain(path string) (Topic, error) {
	at, in := manual(), "a document"
	if path == "" {
		return Manual(), nil
	}
	words := strings.Split(path, ".")
	var place []string // path without the kinds of checks
	for i := 0; i < len(words); i++ {
		next, err := at.topic(words[i], in)
		if err != nil {
			return Topic{}, err
		}
		at, in = next, strings.Join(words[:i+1], ".")
		place = append(place, words[i])
		if at.Name == "check" && i+1 < len(words) && isCheck(words[i+1]) {
			i++
			at = checkKindTopic(at, CheckKind(words[i]))
		}
	}
	return Levels().dated(strings.Join(place, "."), at), nil
}

// isCheck tells a check's kind from its attributes.
func isCheck(word string) bool {
	return word == string(https) || slices.Contains(CheckKinds(), CheckKind(word))
}

// topic is what is called name in t, which is called in.
func (t Topic) topic(name, in string) (Topic, error) {
	i := slices.IndexFunc(t.Topics, func(x Topic) bool { return x.Name == name })
	if i >= 0 {
		return t.Topics[i], nil
	}
	if t.Form != "" {
		return Topic{}, fmt.Errorf("%w: %s is an attribute, and nothing stands in it", ErrNoTopic, in)
	}
	known := make([]string, len(t.Topics))
	for i, x := range t.Topics {
		known[i] = x.Name
	}
	meant := ""
	if near := nearest(name, known); near != "" {
		meant = fmt.Sprintf("did you mean %q? ", near)
	}
	return Topic{}, fmt.Errorf("%w: %q in %s; %sit has %s", ErrNoTopic, name, in, meant, strings.Join(known, ", "))
}
