package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Keep is the value of a kernel setting that is to be left as each router has it.
const Keep = "keep"

// tunable is what a setting takes: a whole number, perhaps a power of two alone, or two numbers, the first below the second unless
// that is 0.
type tunable struct {
	least, most  int
	pair, powers bool
}

// tunables are the kernel settings that a document may give. What decides who holds an address, what a role decides, and what
// opens a router to others is not among them. A star stands for every link that carries an address of the document.
func tunables() map[string]tunable {
	const (
		vs, four, six = "net.ipv4.vs.", "net.ipv4.conf.*.", "net.ipv6.conf.*."
		many          = 1_000_000_000
	)
	onOff := tunable{most: 1}
	defence := tunable{most: 3} // off; by itself when memory runs short, and what the kernel makes of that; always
	return map[string]tunable{
		vs + "am_droprate": {most: many}, vs + "amemthresh": {most: many}, vs + "cache_bypass": onOff, vs + "conn_reuse_mode": {most: 3},
		vs + "conntrack": onOff, vs + "drop_entry": defence, vs + "drop_packet": defence, vs + "est_nice": {least: -20, most: 19},
		vs + "expire_nodest_conn": onOff, vs + "expire_quiescent_template": onOff,
		vs + "ignore_tunneled": onOff, vs + "nat_icmp_send": onOff, vs + "pmtu_disc": onOff, vs + "run_estimation": onOff,
		vs + "schedule_icmp": onOff, vs + "secure_tcp": defence, vs + "sloppy_sctp": onOff, vs + "sloppy_tcp": onOff, vs + "snat_reroute": onOff,
		vs + "sync_persist_mode": onOff, vs + "sync_ports": {least: 1, most: 64, powers: true}, vs + "sync_qlen_max": {most: many}, vs + "sync_refresh_period": {most: many}, vs + "sync_retries": {most: 8},
		vs + "sync_sock_size": {most: many}, vs + "sync_threshold": {most: many, pair: true}, vs + "sync_version": onOff,
		four + "arp_announce": {most: 2}, four + "arp_filter": onOff, four + "arp_ignore": {most: 1}, four + "arp_notify": onOff, four + "rp_filter": {most: 2}, six + "accept_ra": {most: 2},
		"net.ipv4.ip_forward": {least: 1, most: 1}, "net.ipv6.conf.all.forwarding": {least: 1, most: 1},
	}
}

// SysctlNames are the names of the kernel settings that a document may give, sorted.
func SysctlNames() []string { return slices.Sorted(maps.Keys(tunables())) }

// sysctls checks the kernel settings that a document gives.
func (v *verdicts) sysctls(p path, given map[string]string) {
	known := tunables()
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value, p := given[name], p.attr(name)
		takes, ok := known[name]
		switch {
		case name == "net.ipv4.vs.backup_only":
			v.add(p, fmt.Sprintf("%s is not for a document to give", name), "It follows from a router's role.", "Remove it.")
		case !ok:
			fix := fmt.Sprintf("It is one of %s.", oneOf(SysctlNames()))
			if near := nearest(name, SysctlNames()); near != "" {
				fix = fmt.Sprintf("Did you mean %q?", near)
			}
			v.add(p, fmt.Sprintf("kernel setting %q is not one that a document may give", name), "What else a router needs is set on it, as in /etc/sysctl.d.", fix)
		case value != Keep && !takes.value(value):
			v.add(p, fmt.Sprintf("%s = %q is neither %s nor %q", name, value, takes, Keep), fmt.Sprintf("%q leaves it as each router has it.", Keep), "")
		}
	}
}

// value tells whether a text is one of the values.
func (t tunable) value(text string) bool {
	var numbers []int
	for part := range strings.SplitSeq(text, " ") {
		n, err := strconv.Atoi(part)
		if err != nil || n < t.least || n > t.most || strconv.Itoa(n) != part || t.powers && n&(n-1) != 0 {
			return false
		}
		numbers = append(numbers, n)
	}
	if t.pair {
		return len(numbers) == 2 && (numbers[1] == 0 || numbers[0] < numbers[1])
	}
	return len(numbers) == 1
}

// String is what it takes, in words.
func (t tunable) String() string {
	switch {
	case t.pair:
		return `two numbers, such as "3 50"`
	case t.powers:
		return fmt.Sprintf("a power of two from %d to %d", t.least, t.most)
	case t.least == t.most:
		return strconv.Itoa(t.least)
	}
	return fmt.Sprintf("a number from %d to %d", t.least, t.most)
}

// sysctlsText is kernel settings as a person writes them.
func sysctlsText(given map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(given)) {
		out = append(out, name+" = "+given[name])
	}
	return strings.Join(out, ", ")
}
