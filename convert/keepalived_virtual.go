package convert

import (
	"math/bits"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"polso/config"
)

// kaVirtual is a virtual_server: one virtual, or one for each line of its group.
type kaVirtual struct {
	k        *kaImport
	node     *kaNode
	about    string // the path of the first virtual
	targets  []kaTarget
	virtuals []*virtual // one for each target

	scheduler  string
	flags      []*kaNode
	forward    config.Forward
	tunnel     config.Tunnel
	engine     string
	persistent *config.Persistent
	protocol   config.Protocol
	family     config.Family
	timing     kaTiming
	host       string
	weight     int
	quorum     int
	hysteresis int
	quiesce    bool
	alpha      kaChoice
	alert      kaChoice // smtp_alert
	sorry      *kaServer
	servers    []*kaServer

	quorumScripts map[string]*kaNode // quorum_up, quorum_down
}

// kaPersistence is how long a client goes to the same server if nothing else is said.
const kaPersistence = 6 * time.Minute

// virtual reads a virtual_server.
func (k *kaImport) virtual(n *kaNode) {
	v := &kaVirtual{k: k, node: n, forward: config.NAT, timing: kaNoTiming(), weight: 1, quorum: 1, quorumScripts: make(map[string]*kaNode)}
	if n.statement("real_server") == nil {
		n.told = true
		k.say("", n.at, kaSaid{Lost, "it has no real_server; keepalived passes over it too"})
		return
	}
	targets, said := k.targets(n)
	if len(targets) == 0 {
		n.told = true
		k.say("", n.at, said)
		return
	}
	if k.enough(len(targets), n.at) {
		return
	}
	var servers, sorry []*kaNode
	later := func(list *[]*kaNode) func(*kaNode) kaSaid {
		return func(n *kaNode) kaSaid { *list = append(*list, n); return kaSaid{} }
	}
	statements := v.statements()
	for _, word := range []string{"sorry_server", "sorry_server_inhibit", "sorry_server_lvs_method"} {
		statements[word] = later(&sorry)
	}
	statements["real_server"] = later(&servers)
	remarks := kaRead(n, statements, k.words.virtual)
	remarks = append(remarks, v.settle(targets)...)
	v.name(targets)
	k.tell(v.about, remarks)
	for _, n := range servers {
		v.server(n)
	}
	v.sorryServer(sorry)
	v.standIns()
	v.build()
	v.tell()
	v.quorums()
	v.serverScripts()
	k.alerts = append(k.alerts, v.alerts())
}

// statements are those of a virtual_server, without its servers.
func (v *kaVirtual) statements() kaStatements {
	s := v.timing.statements()
	scheduler := kaOne(func(value string) kaSaid {
		if !slices.Contains(config.Schedulers(), value) {
			return kaSay(Changed, "no scheduler is called %q; it is %s", value, kaScheduler)
		}
		v.scheduler = value
		return kaSaid{}
	})
	s["lb_algo"], s["lvs_sched"] = scheduler, scheduler
	s["lb_kind"], s["lvs_method"] = kaMethod(&v.forward, &v.tunnel), kaMethod(&v.forward, &v.tunnel)
	s["protocol"] = kaOne(func(value string) kaSaid {
		p := config.Protocol(strings.ToLower(value))
		if p != config.TCP && p != config.UDP && p != config.SCTP {
			return kaSay(Lost, "no protocol is called %q", value)
		}
		v.protocol = p
		return kaSaid{}
	})
	s["persistence_timeout"] = func(n *kaNode) kaSaid {
		if n.word(0) == "" {
			v.persist()
			return kaSaid{}
		}
		return kaCount(1, int(kaMostTimer/time.Second), func(n int) { v.persist().Timeout = time.Duration(n) * time.Second })(n)
	}
	s["persistence_granularity"] = kaOne(v.granularity)
	s["persistence_engine"] = kaOne(func(value string) kaSaid {
		if value != "sip" {
			return kaSay(Lost, "no persistence engine is called %q", value)
		}
		v.engine = value
		return kaSaid{}
	})
	s["ip_family"] = kaOne(func(value string) kaSaid {
		family, ok := map[string]config.Family{"inet": config.IPv4, "inet6": config.IPv6}[value]
		if !ok {
			return kaSay(Lost, "no family is called %q", value)
		}
		v.family = family
		return kaSaid{}
	})
	s["virtualhost"] = kaSet(func(value string) { v.host = value })
	s["snmp_name"] = kaNamed
	s["weight"] = kaCount(1, kaMostWeight, func(n int) { v.weight = n })
	s["quorum"] = kaCount(1, 1<<30, func(n int) { v.quorum = n })
	s["hysteresis"] = kaCount(0, 1<<30, func(n int) { v.hysteresis = n })
	s["alpha"], s["smtp_alert"] = kaChoose(&v.alpha), v.k.alerting(&v.alert)
	s["quorum_up"], s["quorum_down"] = kaKeep(v.quorumScripts), kaKeep(v.quorumScripts)
	s["inhibit_on_failure"] = kaYes(func(yes bool) { v.quiesce = yes })
	for _, flag := range strings.Fields("ops flag-1 flag-2 flag-3 sh-port sh-fallback mh-port mh-fallback") {
		s[flag] = func(n *kaNode) kaSaid { v.flags = append(v.flags, n); return kaSaid{} }
	}
	return s
}

// kaScheduler is keepalived's own.
const kaScheduler = "wlc"

const kaMostWeight = 65535

// kaNamed reads snmp_name, of which the part of the document gets its name.
func kaNamed(*kaNode) kaSaid { return kaSaid{} }

func (v *kaVirtual) persist() *config.Persistent {
	if v.persistent == nil {
		v.persistent = &config.Persistent{Timeout: kaPersistence}
	}
	return v.persistent
}

// granularity reads a netmask: in dotted form, or IPv6's length.
func (v *kaVirtual) granularity(value string) kaSaid {
	v.persist()
	if length, err := strconv.Atoi(value); err == nil && length >= 1 && length <= 128 {
		v.persistent.Mask = length
		return kaSaid{}
	}
	a, err := netip.ParseAddr(value)
	if err != nil || !a.Is4() {
		return kaSay(Lost, "%q is not a netmask", value)
	}
	b := a.As4()
	mask := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	if mask == 0 || bits.LeadingZeros32(^mask)+bits.TrailingZeros32(mask) != 32 {
		return kaSay(Lost, "%s has holes, or holds every client", value)
	}
	v.persistent.Mask = bits.LeadingZeros32(^mask)
	return kaSaid{}
}

// settle fills in what keepalived does, and says where it is not what was written.
func (v *kaVirtual) settle(targets []kaTarget) []kaRemark {
	var remarks []kaRemark
	put := func(at place, level Level, format string, args ...any) {
		remarks = append(remarks, kaRemark{at, kaSay(level, format, args...)})
	}
	addressed := slices.ContainsFunc(targets, func(t kaTarget) bool { return t.mark == 0 })
	switch {
	case addressed && v.protocol == "":
		v.protocol = config.UDP
		put(v.node.at, Changed, "it has no protocol: udp, as keepalived has it")
	case !addressed && v.protocol != "":
		put(v.node.statement("protocol").at, Hint, "the mark says which packets are meant; a protocol means nothing")
	}
	if v.scheduler == "" {
		v.scheduler = kaScheduler
	}
	if v.persistent == nil && slices.ContainsFunc(targets, func(t kaTarget) bool { return t.mark == 0 && t.port == 0 }) {
		v.persist()
		put(v.node.at, Changed, "every port is for persistent services: for %s, as keepalived has it", kaSeconds(kaPersistence))
	}
	switch {
	case v.engine == "":
	case v.persistent == nil:
		put(v.node.statement("persistence_engine").at, Lost, "it means nothing without persistence_timeout")
	default:
		v.persistent.Engine = v.engine
	}
	return remarks
}

// flagsOf are the scheduler's flags of a virtual, in the document's words.
func (v *kaVirtual) flagsOf(t kaTarget) []string {
	var flags []string
	for _, n := range v.flags {
		flag := n.words[0]
		scheduler, bare, of := strings.Cut(flag, "-")
		if of && (scheduler == "sh" || scheduler == "mh") {
			if scheduler != v.scheduler {
				v.k.say(v.about, n.at, kaSay(Changed, "a flag of %s, and the scheduler is %s", scheduler, v.scheduler))
				continue
			}
			flag = bare
		}
		if flag == "ops" && t.mark == 0 && v.protocol != config.UDP {
			v.k.say(v.about, n.at, kaSaid{Changed, "for udp alone; left out, as keepalived does"})
			continue
		}
		if !slices.Contains(flags, flag) {
			flags = append(flags, flag)
		}
	}
	return flags
}
