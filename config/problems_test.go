package config

import (
	"fmt"
	"strings"
	"testing"
)

// in wraps the body of one virtual that is right but for it.
func in(body string) string {
	return "virtual \"web\" {\n" + body + "\n}\n"
}

func addr(body string) string {
	return in("address = \"192.0.2.10\"\nport = 80\n" + body)
}

func udp(body string) string {
	return in("address = \"192.0.2.10\"\nport = 53\nprotocol = \"udp\"\n" + body)
}

func srv(name, body string) string {
	return fmt.Sprintf("server %q {\n%s\n}\n", name, body)
}

func chk(kind, body string) string {
	return fmt.Sprintf("check %q {\n%s\n}\n", kind, body)
}

// mistakes is every way to be wrong that has a sentence of its own; testdata/problems.txt has the sentences.
func mistakes() []struct {
	name  string
	texts []string
} {
	type mistake = struct {
		name  string
		texts []string
	}
	one := func(name, text string) mistake { return mistake{name, []string{text}} }
	return []mistake{
		// Words and blocks.
		one("unknown block at the top", "virtal \"web\" {}\n"),
		one("attribute at the top", "port = 80\n"),
		one("keepalived's block", "virtual_server \"web\" {}\n"),
		one("keepalived's attribute", addr("lb_algo = \"rr\"")),
		one("attribute that is a block", addr("persistent = \"5m\"")),
		one("block that is an attribute", addr("scheduler {}")),
		one("unknown attribute far from any", addr("zzzzzz = 1")),
		one("virtual without a name", "virtual {\n port = 80\n}\n"),
		one("virtual with two names", "virtual \"a\" \"b\" {\n address = \"192.0.2.10\"\n port = 80\n}\n"),
		one("cluster with a name", "cluster \"edge\" {}\n"),
		one("two clusters", "cluster {}\ncluster {}\n"),
		{"two clusters in two files", []string{"cluster {}\n", "\ncluster {}\n"}},
		{"one name in two files", []string{addr(""), in("address = \"192.0.2.11\"\nport = 80")}},
		one("two checks", addr("check \"tcp\" {}\ncheck \"http\" {}")),
		one("two servers of one name", addr(srv("a", `address = "10.0.0.1"`)+srv("a", `address = "10.0.0.2"`))),

		// Syntax.
		one("two attributes on one line", addr("server \"a\" { address = \"10.0.0.1\", weight = 1 }")),
		one("quote left open", addr("scheduler = \"wlc")),
		one("brace left open", "virtual \"web\" {\n address = \"192.0.2.10\"\n port = 80\n"),
		one("colon for equals", addr("scheduler: \"wlc\"")),
		one("two values", addr("flags = [\"ops\"] [\"port\"]")),
		one("attribute twice", addr("port = 81")),
		one("no value", addr("scheduler =")),
		one("brace on the next line", "virtual \"web\"\n{\n}\n"),

		// Values.
		one("word without quotes", addr("scheduler = wlc")),
		one("word without quotes in a list", addr("flags = [ops]")),
		one("expression with a variable", addr("scheduler = \"${x}\"")),
		one("function", addr("scheduler = upper(\"wlc\")")),
		one("null", addr("scheduler = null")),
		one("number for text", addr("scheduler = 5")),
		one("text for a number", addr("min_servers = \"two\"")),
		one("text for true", "cluster {\n failback = \"yes\"\n}\n"),
		one("fraction", addr("min_servers = 1.5")),
		one("number for a list", addr("flags = \"ops\"")),
		one("list of numbers for texts", addr("flags = [1]")),
		one("huge number", in("address = \"192.0.2.10\"\nport = 1e400\n")),
		one("duration without a unit", addr("persistent {\n timeout = 5\n}")),
		one("duration with a strange unit", addr("persistent {\n timeout = \"5 minutes\"\n}")),
		one("no duration at all", addr("persistent {\n timeout = \"0s\"\n}")),
		one("status codes", addr("check \"http\" {\n status = \"2xx\"\n}")),
		one("netmask", addr("persistent {\n netmask = \"255.0.255.0\"\n}")),
		one("netmask of all", addr("persistent {\n netmask = \"/0\"\n}")),
		one("port and ports", addr("ports = [443]")),
		one("ports of texts", in("address = \"192.0.2.10\"\nports = [\"80\"]")),

		one("empty text", addr("interface = \"\"")),
		one("map", addr("scheduler = { a = 1 }")),
		one("duration in a list", addr("persistent {\n timeout = [\"5m\"]\n}")),
		one("list with null", addr("flags = [null]")),
		one("ports with null", in("address = \"192.0.2.10\"\nports = [null]")),
		one("ports with half a range", in("address = \"192.0.2.10\"\nports = [80, \"8000-\"]")),
		one("ports with a range from behind", in("address = \"192.0.2.10\"\nports = [\"8100-8000\"]")),
		one("ports with a range of one", in("address = \"192.0.2.10\"\nports = [\"80-80\"]")),
		one("ports with a word", in("address = \"192.0.2.10\"\nports = [http]")),
		one("true for a number", in("address = \"192.0.2.10\"\nport = true")),
		one("mask in words", addr("persistent {\n netmask = \"class-c\"\n}")),
		one("status of nothing", addr("check \"http\" {\n status = \"\"\n}")),

		// Addresses.
		one("vip by name", "vip \"a\" {\n address = \"gateway\"\n}\n"),
		one("vip by number", "vip \"a\" {\n address = 10\n}\n"),
		one("vip without a name", "vip {\n address = \"10.0.0.1/24\"\n}\n"),
		one("server without a name", addr("server {\n address = \"10.0.0.1\"\n}")),
		one("port in quotes beside a server's port", in("address = \"192.0.2.10\"\nport = \"8080\"\n"+srv("a", `address = "10.0.0.1:8080"`))),
		one("port in quotes beside a check", in("address = \"192.0.2.10\"\nport = \"8080\"\ncheck \"tcp\" {\n}\n"+srv("a", `address = "10.0.0.1"`))),
		one("no port beside a server's port", in("address = \"192.0.2.10\"\n"+srv("a", `address = "10.0.0.1:8080"`))),
		one("port out of range of a server", addr(srv("a", `address = "[2001:db8::1]:99999"`))),
		one("no address", in("port = 80")),
		one("address with prefix length", in("address = \"192.0.2.10/24\"\nport = 80")),
		one("address with port", in("address = \"192.0.2.10:80\"")),
		one("not an address", in("address = \"192.0.2.300\"\nport = 80")),
		one("host name", addr(srv("a", `address = "web-1"`))),
		one("host name with port", addr(srv("a", `address = "web-1:80"`))),
		one("strange port", addr(srv("a", `address = "10.0.0.1:http"`))),
		one("port zero of a server", addr(srv("a", `address = "10.0.0.1:0"`))),
		one("server without address", addr(srv("a", ""))),
		one("multicast", in("address = \"224.0.0.18\"\nport = 80")),
		one("loopback", addr(srv("a", `address = "127.0.0.1"`))),
		one("unspecified", in("address = \"::\"\nport = 80")),
		one("limited broadcast", in("address = \"255.255.255.255\"\nport = 80")),
		one("IPv4 in IPv6", in("address = \"::ffff:192.0.2.10\"\nport = 80")),
		one("zone", in("address = \"fe80::1%eth0\"\nport = 80")),
		one("link-local without a link", in("address = \"fe80::1\"\nport = 80")),
		one("vip without address", "vip \"a\" {}\n"),
		one("vip with the subnet's address", "vip \"a\" {\n address = \"10.0.0.0/24\"\n}\n"),
		one("vip with the broadcast address", "vip \"a\" {\n address = \"10.0.0.127/25\"\n}\n"),
		one("vip in no subnet", "vip \"a\" {\n address = \"10.0.0.1/0\"\n}\n"),
		one("two vips of one address", "vip \"a\" {\n address = \"10.0.0.1/24\"\n}\nvip \"b\" {\n address = \"10.0.0.1\"\n}\n"),
		one("vip and virtual on two links", "vip \"a\" {\n address = \"192.0.2.10\"\n interface = \"inside\"\n}\n"+addr("interface = \"outside\"")),
		one("server at an address of ours", "vip \"a\" {\n address = \"10.0.0.1/24\"\n}\n"+addr(srv("a", `address = "10.0.0.1"`))),
		one("sorry server at the virtual's address", addr("sorry_server = \"192.0.2.10\"")),

		// Names.
		one("long name", "vip \""+strings.Repeat("a", 64)+"\" {\n address = \"10.0.0.1/24\"\n}\n"),
		one("name with a space", "virtual \"web server\" {\n address = \"192.0.2.10\"\n port = 80\n}\n"),
		one("empty name", addr(srv("", `address = "10.0.0.1"`))),
		one("interface with a slash", addr("interface = \"a/b\"")),
		one("router preferred twice", "cluster {\n prefer = [\"r1\", \"r1\"]\n}\n"),

		// Meaning.
		one("unknown standby", "cluster {\n standby = \"hot\"\n}\n"),
		one("cold standby with sync daemon", "cluster {\n standby = \"cold\"\n sync_daemon {\n  interface = \"in\"\n }\n}\n"),
		one("sync daemon", "cluster {\n sync_daemon {\n  id = 256\n }\n}\n"),
		one("sync daemon's numbers", "cluster {\n sync_daemon {\n  interface = \"in\"\n  port = 0\n  ttl = 256\n  maxlen = 100\n }\n}\n"),
		one("sync daemon's group", "cluster {\n sync_daemon {\n  interface = \"in\"\n  group = \"10.0.0.1\"\n }\n}\n"),
		one("sync daemon's messages with a group of IPv6", "cluster {\n sync_daemon {\n  interface = \"in\"\n  group = \"ff02::81\"\n  maxlen = 65507\n }\n}\n"),
		one("sync daemon and a server of the other family", "cluster {\n sync_daemon {\n  interface = \"in\"\n }\n}\n"+addr("forward = \"tun\"\n"+srv("a", `address = "2001:db8::1"`))),
		one("timeouts", "cluster {\n timeouts {\n  tcp = \"1500ms\"\n  udp = \"1ms\"\n  tcp_fin = \"99999h\"\n }\n}\n"),
		one("unknown scheduler", addr("scheduler = \"wlcc\"")),
		one("unknown forward", addr("forward = \"masquerading\"")),
		one("unknown protocol", addr("protocol = \"tpc\"")),
		one("unknown on_failure", addr("on_failure = \"quiescent\"")),
		one("unknown flag", addr("scheduler = \"sh\"\nflags = [\"sh-ports\"]")),
		one("flag by the name of another scheduler", addr("scheduler = \"sh\"\nflags = [\"mh-port\"]")),
		one("same flag under a long and a short name", addr("scheduler = \"mh\"\nflags = [\"mh-port\", \"port\"]")),
		one("flag of another scheduler", addr("flags = [\"fallback\"]")),
		one("same flag under two names", addr("scheduler = \"mh\"\nflags = [\"fallback\", \"flag-1\"]")),
		one("ops with tcp", addr("flags = [\"ops\"]")),
		one("engine of tcp", addr("persistent {\n engine = \"sip\"\n}")),
		one("unknown engine", udp("persistent {\n engine = \"sips\"\n}")),
		one("no port", in("address = \"192.0.2.10\"")),
		one("port 0 without persistence", in("address = \"192.0.2.10\"\nport = 0")),
		one("port out of range", in("address = \"192.0.2.10\"\nport = 65536")),
		one("each bad one of several ports", in("address = \"192.0.2.10\"\nports = [70000, \"a-b\", 443, \"80-\", 1.5, -1]")),
		one("port twice", in("address = \"192.0.2.10\"\nports = [80, 80]")),
		one("address and fwmark", addr("fwmark = 7\nprotocol = \"tcp\"\ninterface = \"x\"")),
		one("fwmark zero", in("fwmark = 0")),
		one("port in a range too", in("address = \"192.0.2.10\"\nports = [8050, \"8000-8100\"]")),
		one("ranges that overlap", in("address = \"192.0.2.10\"\nports = [\"8000-8100\", \"8090-8200\"]")),
		one("range of two virtuals", in("address = \"192.0.2.10\"\nports = [80, \"8000-8100\"]")+strings.Replace(in("address = \"192.0.2.10\"\nports = [443, \"8100-8200\"]"), "web", "tls", 1)),
		one("port in another's range", in("address = \"192.0.2.10\"\nports = [80, \"8000-8100\"]")+strings.Replace(in("address = \"192.0.2.10\"\nport = 8001"), "web", "tls", 1)),
		one("a mark of Polso's", in("fwmark = 1342177287")),
		one("masquerade by direct routing", addr("masquerade = true\n"+srv("a", `address = "10.0.0.1"`))),
		one("several ports to one by direct routing", in("address = \"192.0.2.10\"\nports = [80, 443]\n"+srv("a", `address = "10.0.0.1:80"`))),
		one("several ports and a check without one", in("address = \"192.0.2.10\"\nports = [80, 443]\ncheck \"tcp\" {}\n"+srv("a", `address = "10.0.0.1"`))),
		one("ports and fwmark", in("fwmark = 7\nports = [80, 443]")),
		one("fwmark of an unknown family", in("fwmark = 7\nfamily = \"ipx\"")),
		one("fwmark twice", in("fwmark = 7")+"virtual \"mail\" {\n fwmark = 7\n}\n"),
		one("family that is not the address's", addr("family = \"ipv6\"")),
		{"same address, port and protocol", []string{addr(""), strings.Replace(addr(""), "web", "web2", 1)}},
		one("dr changes the port", addr("forward = \"dr\"\n"+srv("a", `address = "10.0.0.1:8080"`))),
		one("tun on one server changes the port", addr("forward = \"nat\"\n"+srv("a", "address = \"10.0.0.1:8080\"\nforward = \"tun\""))),
		one("dr with fwmark and a port", in("fwmark = 7\n"+srv("a", `address = "10.0.0.1:8080"`))),
		one("mixed families", addr("forward = \"nat\"\n"+srv("a", `address = "2001:db8::1"`))),
		one("mixed families by local", addr("forward = \"local\"\n"+srv("a", `address = "::1"`))),
		one("mixed families beside the sync daemon", "cluster {\n sync_daemon {\n  interface = \"in\"\n }\n}\n"+addr("forward = \"tun\"\n"+srv("a", `address = "2001:db8::1"`))),
		one("local to another machine", addr("forward = \"local\"\n"+srv("a", `address = "10.0.0.1"`))),
		one("local changes the port", addr("forward = \"local\"\n"+srv("a", `address = "127.0.0.1:8080"`))),
		one("unknown tunnel", addr("forward = \"tun\"\ntunnel {\n type = \"geneve\"\n}")),
		one("tunnel without tun", addr("tunnel {\n type = \"gue\"\n}")),
		one("tunnel of a server without tun", addr("forward = \"tun\"\n"+srv("a", "address = \"10.0.0.1\"\nforward = \"dr\"\ntunnel {\n type = \"gre\"\n}"))),
		one("ipip with port and checksum", addr("forward = \"tun\"\ntunnel {\n port = 6080\n checksum = \"csum\"\n}")),
		one("gre with port and remcsum", addr("forward = \"tun\"\ntunnel {\n type = \"gre\"\n port = 6080\n checksum = \"remcsum\"\n}")),
		one("unknown checksum", addr("forward = \"tun\"\ntunnel {\n type = \"gue\"\n checksum = \"crc\"\n}")),
		one("tunnel by attributes", addr("forward = \"tun\"\ntunnel = \"gue\"")),
		one("thresholds", addr(srv("a", "address = \"10.0.0.1\"\nupper = -1")+srv("b", "address = \"10.0.0.2\"\nlower = 5")+srv("c", "address = \"10.0.0.3\"\nupper = 5\nlower = 6"))),
		one("sorry server of the other family", addr("sorry_server = \"2001:db8::1\"")),
		one("one server twice", addr(srv("a", `address = "10.0.0.1"`)+srv("b", `address = "10.0.0.1:80"`))),
		one("weight", addr(srv("a", "address = \"10.0.0.1\"\nweight = 65536")+srv("b", "address = \"10.0.0.2\"\nweight = -1"))),
		one("min_servers", addr("min_servers = 0")),
		one("min_servers above the servers", addr("min_servers = 3\n"+srv("a", `address = "10.0.0.1"`))),
		one("persistence by half seconds", addr("persistent {\n timeout = \"1500ms\"\n}")),
		one("netmask of the other family", addr("persistent {\n netmask = \"/64\"\n}")),
		one("unknown check", addr("check \"htpp\" {\n}")),
		one("https without tls", addr("check \"https\" {\n tls = false\n}")),
		one("check without kind", addr("check {\n}")),
		one("timeout longer than every", addr("check \"tcp\" {\n timeout = \"3s\"\n}")),
		one("check too often", addr("check \"tcp\" {\n every = \"1ms\"\n}")),
		one("rise and fall", addr("check \"tcp\" {\n rise = 0\n fall = -1\n}")),
		one("tcp check with a path", addr("check \"tcp\" {\n path = \"/\"\n tls = true\n}")),
		one("long path", addr("check \"http\" {\n path = \"/"+strings.Repeat("a", 1024)+"\"\n}")),
		one("path", addr("check \"http\" {\n path = \"healthz\"\n}")),
		one("path with a space", addr("check \"http\" {\n path = \"/a b\"\n}")),
		one("path in letters of its own", addr("check \"http\" {\n path = \"/größe\"\n}")),
		one("host with a path", addr("check \"http\" {\n host = \"a/b\"\n}")),
		one("status turned round", addr("check \"http\" {\n status = \"299-200\"\n}")),
		one("http check of udp", udp("check \"http\" {\n}")),
		one("check of every port", in("fwmark = 7\ncheck \"tcp\" {\n}\n"+srv("a", `address = "10.0.0.1"`))),
		one("attributes of other kinds", addr(chk("dns", "query = \"a\"\nmethod = \"HEAD\"\ncommand = [\"/x\"]")+srv("a", `address = "10.0.0.1"`))),
		one("http check with everything wrong", addr(chk("http", "method = \"get\"\nversion = \"3\"\nredirects = 11\nmatches = \"(\"\njson = \"body.x > y\"\nheaders = {\n \"a b\" = \"1\"\n Host = \"h\"\n Connection = \"close\"\n X = \"a\\nb\"\n}"))),
		one("json that is no condition", addr(chk("http", `json = "status + 1"`))),
		one("json with a loop", addr(chk("http", `json = "[for x in body : x]"`))),
		one("json with a function", addr(chk("http", `json = "upper(body.x)"`))),
		one("json that does not parse", addr(chk("http", `json = "status =="`))),
		one("HEAD with a body", addr(chk("http", "method = \"HEAD\"\ncontains = \"ok\""))),
		one("certificates without tls", addr(chk("http", "verify = false\nca = \"/etc/ca.pem\""))),
		one("key in the document", addr(chk("tls", "client_cert = \"/etc/c.pem\"\nclient_key = \"-----BEGIN PRIVATE KEY-----\""))),
		one("key among the certificates", addr(chk("tls", `ca = "-----BEGIN PRIVATE KEY-----"`))),
		one("certificates that are none", addr(chk("tls", `ca = "-----BEGIN CERTIFICATE-----"`))),
		one("files by halves", addr(chk("tls", "client_cert = \"c.pem\"\nca = \"/etc/ca.pem\"\nverify = false\nexpiry_warn = \"1m\"\nserver_name = \"a/b\""))),
		one("send of no escape", addr(chk("send", "send = \"x\\\\d\"\nexpect = \"~(\""))),
		one("udp check that sends nothing", udp(chk("udp", ""))),
		one("dns check of nothing", udp(chk("dns", ""))),
		one("dns check of a wrong type", udp(chk("dns", "query = \"a b\"\ntype = \"a\""))),
		one("dns check with a wrong answer", udp(chk("dns", "query = \"a\"\nanswer = \"2001:db8::1\""))),
		one("script without a command", addr(chk("script", "user = \"a b\""))),
		one("script by name", addr(chk("script", `command = ["probe", "a\tb"]`))),
		one("agent without a port", addr(chk("agent", ""))),
		one("smtp check of udp", udp(chk("smtp", ""))),
		one("through by nat", addr("forward = \"nat\"\n"+chk("tcp", "through = \"virtual\"\nport = 81")+srv("a", `address = "10.0.0.1"`))),
		one("through of a mark", in("fwmark = 7\n"+chk("tcp", "through = \"virtual\"\nport = 81"))),
		one("through gue", addr("forward = \"tun\"\n"+chk("tcp", "through = \"virtual\"")+srv("a", "address = \"10.0.0.1\"\ntunnel {\ntype = \"gue\"\n}"))),
		one("through another family", addr("forward = \"tun\"\n"+chk("tcp", "through = \"virtual\"")+srv("a", `address = "2001:db8::1"`))),
		one("through another port", addr("forward = \"dr\"\n"+chk("tcp", "through = \"virtual\"\nport = 81")+srv("a", `address = "10.0.0.1"`))),
		one("through several ports", in("address = \"192.0.2.10\"\nports = [80, 443]\nforward = \"dr\"\n"+chk("tcp", "through = \"virtual\"")+srv("a", `address = "10.0.0.1"`))),
		one("through none of several ports", in("address = \"192.0.2.10\"\nports = [80, 443]\nforward = \"dr\"\n"+chk("tcp", "through = \"virtual\"\nport = 81")+srv("a", `address = "10.0.0.1"`))),
		one("through for long", addr("forward = \"dr\"\n"+chk("tcp", "through = \"virtual\"\nevery = \"5m\"\ntimeout = \"2m\"")+srv("a", `address = "10.0.0.1"`))),
		one("through nothing", addr(chk("tcp", `through = "vip"`))),
		one("fast slower than every", addr(chk("tcp", "fast = \"3s\""))),
		one("timeout longer than fast", addr(chk("tcp", "fast = \"500ms\"\ntimeout = \"1s\""))),
		one("damping", addr(chk("tcp", "initial = \"maybe\"\nflap_hold = \"1m\""))),
		one("damping of one", addr(chk("tcp", "flaps = 1\nflap_window = \"25h\""))),
		one("compound of nothing", addr(chk("all", ""))),
		one("some without need", addr(chk("some", chk("tcp", "")))),
		one("need of all", addr(chk("all", "need = 1\n"+chk("tcp", "")))),
		one("compound in a compound", addr(chk("all", chk("tcp", "")+chk("any", "")))),
		one("checks in a check that combines none", addr(chk("tcp", chk("tcp", "")))),
		one("mistake in the second of two", addr(chk("any", chk("http", `path = "/a"`)+chk("http", "path = \"b\"\ninitial = \"up\"\nfalls = 1")))),
		one("kind in a compound", addr(chk("any", chk("htpt", "")))),
		one("two checks in a server", addr(srv("a", "address = \"10.0.0.1\"\n"+chk("tcp", "")+chk("tcp", "")))),
		one("check of a server that has no port", in("fwmark = 7\n"+srv("a", "address = \"10.0.0.1\"\n"+chk("tcp", "")))),

		one("hysteresis", addr("hysteresis = 1\n"+srv("a", `address = "10.0.0.1"`))),
		one("hysteresis below nothing", addr("hysteresis = -1\npanic = 101\nvotes = 0\n"+srv("a", `address = "10.0.0.1"`))),
		one("slow curve alone", addr(`slow_curve = "doubling"`)),
		one("slow start", addr("slow_start = \"2h\"\nslow_curve = \"square\"")),
		one("votes of one router", addr("probe = \"director\"\nvotes = 2")),
		one("probe by nobody", addr(`probe = "active"`)),
		one("wrong forward of many", addr("forward = \"drr\"\n"+srv("a", `address = "10.0.0.1"`)+srv("b", `address = "10.0.0.2"`))),
		one("sorry servers", addr(srv("a", `address = "10.0.0.1"`)+"sorry_server \"x\" {\n address = \"10.0.0.1\"\n weight = -1\n}\nsorry_server \"y\" {\n address = \"192.0.2.10\"\n "+chk("dns", "")+"}\nsorry_server \"z\" {\n}")),
		one("sorry server twice", addr("sorry_server = \"10.0.0.1\"\nsorry_server \"sorry\" {\n address = \"10.0.0.1\"\n}")),
		one("sorry server without a name", addr("sorry_server {\n address = \"10.0.0.1\"\n}")),

		// Texts.
		one("not UTF-8", "vip \"\xff\" {}\n"),
		one("nests too deeply", "x = "+strings.Repeat("[", 100)),
		one("too many operators", "x = "+strings.Repeat("-", 5000)+"1\n"),
		one("control characters", "vip \"a\x1b[2J\" {\n address = \"10.0.0.1/24\"\n}\n"),
	}
}

func TestProblems(t *testing.T) {
	var got, texts strings.Builder
	for _, m := range mistakes() {
		fmt.Fprintf(&texts, "== %s\n", m.name)
		var files []File
		for i, text := range m.texts {
			fmt.Fprintf(&texts, "%q\n", text)
			files = append(files, File{Name: fmt.Sprintf("%c.hcl", 'a'+i), Text: []byte(text)})
		}
		_, err := Parse(files...)
		if err == nil {
			t.Errorf("%s: nothing is wrong, it says", m.name)
			continue
		}
		fmt.Fprintf(&got, "== %s\n%s\n", m.name, err)
	}
	golden(t, "problems.txt", []byte(got.String()))
	golden(t, "mistakes.txt", []byte(texts.String())) // for others that refuse documents
}
