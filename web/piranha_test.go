package web

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"polso/fsm"
)

// piranhaFields are the fields and buttons of Piranha's pages by the page here that must say where each went. What any form has and
// needs no word, ADD, EDIT and DELETE of a list, is not among them.
var piranhaFields = map[string][]string{
	"/monitoring": {
		"Daemon: running, stopped", "Auto update", "Update frequency", "Update information now", "Current LVS routing table", "Current LVS processes", "Change password",
	},
	"/global": {
		"Primary server public IP", "private IP", "TCP, TCP FIN, UDP timeout", "Network type: NAT, Direct Routing, Tunneling", "NAT Router IP, netmask, device",
		"LVS type lvs or fos", "sync tool", "Redundant server public IP", "Heartbeat interval", "Assume dead after", "Heartbeat runs on port",
		"Monitor NIC links for failures", "Use sync daemon", "its interface and ID", "RESET",
	},
	"/redundancy": {
		"Enable", "Disable", "Reset", "Redundant server public IP", "private IP", "Heartbeat interval", "Assume dead after", "Heartbeat runs on port",
		"Monitor NIC links for failures", "Use sync daemon", "its interface and ID",
	},
	"/virtuals": {
		"Status up or down", "radio buttons", "Name", "Application port", "Protocol", "Virtual IP address", "Virtual IP network mask", "Device (eth0:1)", "(De)activate",
		"Sorry server", "Firewall mark", "Re-entry time", "Service timeout", "Quiesce server", "Load monitoring tool", "rup, ruptime, uptime", "Scheduling",
		"Persistence", "Persistence network mask", "Real server: name, address, port, weight", "Real server: (de)activate", "Monitoring scripts", "ACCEPT", "CANCEL",
	},
	"/virtuals/web/monitoring": {
		"Sending program", "Send", "Expect", "Treat expect string as a regular expression", "no send program", "Blank send", "Blank expect", "255 characters",
		"Re-entry time", "Service timeout",
	},
}

// piranhaNames are the names in the list of a page, as they stand before what became of them.
var piranhaNames = regexp.MustCompile(`<(?:dt|th scope="row")>([^<]*)</`)

// Who comes from Piranha finds every field of it named on the page that has what it was for.
func TestPiranhaFields(t *testing.T) {
	c, e := newCluster(t).visit(t, fsm.Admin), newEdge(t).visitor(t, fsm.Admin)
	for path, fields := range piranhaFields {
		v := c
		if strings.HasPrefix(path, "/virtuals") {
			v = e
		}
		page := v.get(path)
		page.shows(t, 200)
		_, list, found := strings.Cut(page.text, "<summary>Where did Piranha")
		if !found {
			t.Errorf("%s does not say what became of Piranha's fields", path)
		}
		names := ""
		for _, m := range piranhaNames.FindAllStringSubmatch(list, -1) {
			names += strings.ToLower(html.UnescapeString(m[1])) + "\n"
		}
		for _, f := range fields {
			if !strings.Contains(names, strings.ToLower(f)) {
				t.Errorf("%s does not name %q among\n%s", path, f, names)
			}
		}
	}
}

// What two pages say of one field is the same: links are watched whatever the document has.
func TestLinksAreWatchedAlways(t *testing.T) {
	v := newCluster(t).visit(t, fsm.Viewer)
	for _, path := range []string{"/global", "/redundancy"} {
		_, text, _ := strings.Cut(v.get(path).text, "Monitor NIC links for failures</")
		text, _, _ = strings.Cut(text, "Use sync daemon")
		for _, want := range []string{"Always: a router whose link is down is not fit to direct, and the lead moves.", "asks more"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q: %s", path, want, text)
			}
		}
	}
}
