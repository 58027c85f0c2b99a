package config

import (
	"fmt"
	"slices"
	"strings"
)

// foreign are words of ipvsadm, keepalived, ldirectord and lvs.cf that mean something here.
var foreign = map[string]string{
	"virtual_server": "virtual", "real_server": "server", "real": "server", "global_defs": "cluster",
	"algo": "scheduler", "lb_algo": "scheduler", "lvs_sched": "scheduler", "lvs_method": "forward", "kind": "forward", "lb_kind": "forward",
	"ip": "address", "host": "address", "bind": "address",
	"persistence_timeout": "persistent", "persistence": "persistent",
	"quorum": "min_servers", "active": "director", "fallback_server": "sorry_server", "inhibit_on_failure": "on_failure", "quiesce_server": "on_failure", "quiescent": "on_failure",
	"mark": "fwmark", "device": "interface", "dev": "interface", "link": "interface",
	"interval": "every", "delay_loop": "every", "retry": "fall", "url": "path", "regex": "matches", "body": "contains", "request": "send", "receive": "expect", "response": "expect", "virtualhost": "host", "status_code": "status",
	"masq": "nat", "masquerading": "nat", "snat": "masquerade", "masquerade": "nat", "gate": "dr", "gatewaying": "dr", "direct": "dr", "droute": "dr", "dsr": "dr",
	"ipip": "tun", "tunnel": "tun", "tunneling": "tun",
	"sh-fallback": "fallback", "mh-fallback": "fallback", "sh-port": "port", "mh-port": "port", "one-packet": "ops", "onepacket": "ops",
	"drop": "remove", "roundrobin": "rr", "leastconn": "lc", "source": "sh", "maglev": "mh", "http_get": "http", "tcp_check": "tcp", "connect": "tcp",
}

// nearest returns the known word that someone who wrote word most likely meant, or "".
func nearest(word string, known []string) string {
	lower := strings.ToLower(word)
	if alias := foreign[lower]; slices.Contains(known, alias) {
		return alias
	}
	best, least := "", max(1, len(lower)/3)+1
	for _, k := range known {
		if d := distance(lower, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// suggestion returns a sentence for nearest, or "" when nothing is near.
func suggestion(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return fmt.Sprintf("Did you mean %q?", near)
	}
	return ""
}

// distance is the number of letters to add, drop, replace, or swap with their neighbour to come from a to b (optimal string
// alignment).
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64 // nothing known is that long: not worth the square
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := last[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			row[j] = min(replaced, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// oneOf returns words as a list for a sentence: "tcp, udp or sctp".
func oneOf[T ~string](words []T) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(w))
	}
	return b.String()
}

func plain[T ~string](words []T) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return out
}
