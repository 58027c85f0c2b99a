package convert

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"polso/config"
)

// LVSCF imports the lvs.cf of a Piranha pair: one file, for both routers have the same (`--with` is for when they do not). It takes what the daemons take and the superset that people write, with the daemons' defaults. Names of hosts are not
// looked up.
func LVSCF(files ...File) (Result, error) {
	if err := tooLong(files); err != nil {
		return Result{}, err
	}
	if len(files) > 1 {
		return Result{}, &Error{File: files[1].Name, What: "an lvs.cf is one file", Fix: "Compare the routers' two with --with."}
	}
	l := &lvscf{
		builder: newBuilder("lvs.cf", files),
		forward: config.NAT,
		vipAt:   make(map[netip.Addr]*lvsVIP),
		devices: make(map[string]bool),
		starts:  make(map[string]string),
		answers: make(map[string][]config.StatusRange),
	}
	if bytes.Count(files[0].Text, []byte("\n")) >= lvsMostLines {
		return Result{}, &Error{File: files[0].Name, What: fmt.Sprintf("more than %d lines", lvsMostLines), Fix: "Split it by virtual server."}
	}
	root := (&lvsParser{b: l.builder}).file(files[0])
	if !root.recognized() {
		return Result{}, &Error{File: files[0].Name, What: "no virtual and no failover block of an lvs.cf is in it", Fix: "Is it of another format?"}
	}
	l.globals(root)
	for _, block := range root.blocks {
		if err := l.full(); err != nil {
			return Result{}, err
		}
		switch {
		case block.kind == "virtual":
			l.block(block)
		case block.kind == "failover":
			l.lost("", block.at, "failover %q: Polso balances, it runs no services on the routers", block.name)
		default:
			l.lost("", block.at, "a server outside of a virtual")
		}
	}
	return l.finish()
}

// lvscf is one import.
type lvscf struct {
	*builder
	forward config.Forward
	slow    bool // a hint has been given about slow starts
	fos     bool // the failover blocks run, not the virtuals
	vipAt   map[netip.Addr]*lvsVIP
	devices map[string]bool                 // that a hint has been given about
	starts  map[string]string               // by what packets look like: the virtual that is reached by them
	answers map[string][]config.StatusRange // by expect
}

// lvsVIP is an address with the device and mask of the first virtual that has it, which are the ones that Piranha brings up.
type lvsVIP struct {
	device string
	bits   int  // 0: the class's
	made   bool // there is a vip block
}

// recognized reports whether the file has a block that only an lvs.cf has. A directive is not enough: ldirectord.cf has lines that
// look the same.
func (root *lvsBlock) recognized() bool {
	return slices.ContainsFunc(root.blocks, func(b *lvsBlock) bool { return b.kind == "virtual" || b.kind == "failover" })
}

// take returns the last directive of that key, which is the one that counts, and nil if there is none. An earlier one that says
// otherwise is noted.
func (l *lvscf) take(block *lvsBlock, about, key string) *lvsDirective {
	var last *lvsDirective
	for _, d := range block.directives {
		if d.key != key {
			continue
		}
		d.used = true
		if last != nil && last.value() != d.value() {
			l.hint(about, last.at, "it is there again at line %d, which counts", d.at.line)
		}
		last = d
	}
	return last
}

// number takes a whole number as strtol reads it: 16, 0x10, 020. Without one, or with one outside of the range, it is otherwise.
func (l *lvscf) number(block *lvsBlock, about, key string, least, most, otherwise int) (int, *lvsDirective) {
	d := l.take(block, about, key)
	if d == nil {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(d.value(), 0, 64)
	switch {
	case err != nil || strings.Contains(d.value(), "_"):
		l.lost(about, d.at, "%q is not a whole number", d.value())
	case n < int64(least) || n > int64(most):
		l.lost(about, d.at, "%d is not between %d and %d", n, least, most)
	default:
		return int(n), d
	}
	return otherwise, nil
}

// yes takes 0 or 1.
func (l *lvscf) yes(block *lvsBlock, about, key string) (bool, *lvsDirective) {
	n, d := l.number(block, about, key, 0, 1, 0)
	return n == 1, d
}

// address reads an IPv4 address; the zero one for none or 0.0.0.0, which means none to Piranha.
func (l *lvscf) address(about string, d *lvsDirective, word string) netip.Addr {
	a, err := netip.ParseAddr(word)
	switch {
	case err != nil || !a.Is4():
		l.lost(about, d.at, "%q is not an IPv4 address, and names are not looked up", word)
		return netip.Addr{}
	case a.IsUnspecified():
		return netip.Addr{}
	}
	return a
}

// mask takes a netmask; 0 for none and for 0.0.0.0, which means none to Piranha.
func (l *lvscf) mask(block *lvsBlock, about, key string) (bits int, d *lvsDirective) {
	d = l.take(block, about, key)
	if d == nil || d.value() == "0.0.0.0" {
		return 0, d
	}
	if bits, err := parseMask(d.value()); err == nil && strings.Contains(d.value(), ".") {
		return bits, d
	}
	l.lost(about, d.at, "%q is not a netmask", d.value())
	return 0, nil
}

// device is the link of `ADDRESS DEVICE:N`, as a name that a document takes. The first use of each has a hint.
func (l *lvscf) device(about string, d *lvsDirective) string {
	if len(d.words) < 2 {
		l.hint(about, d.at, refused+"the device that is missing; here each router takes the link that has the subnet")
		return ""
	}
	device, _, _ := strings.Cut(d.words[1], ":")
	name := legal(device)
	if !l.devices[name] && name != "" {
		l.devices[name] = true
		l.hint(about, d.at, "%s is a name that each router gives to a device of its own: polso agent --interface %s=%s, or node.hcl", name, name, device)
	}
	return name
}

// rest notes the directives of a block that nothing was made of.
func (l *lvscf) rest(block *lvsBlock, about string) {
	idle := lvsIdle(block.kind)
	for _, d := range block.directives {
		if d.used {
			continue
		}
		said, known := idle[d.key]
		switch {
		case known && said.what == "":
		case known:
			l.note(said.level, about, d.at, "%s", said.what)
		case lvsRead(block.kind, d.key):
			l.hint(about, d.at, "it had no effect here")
		default:
			l.lost(about, d.at, "%s is no directive of Piranha", d.key)
		}
	}
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// globals reads what concerns the whole pair.
func (l *lvscf) globals(root *lvsBlock) {
	const about = "cluster"
	if d := l.take(root, about, "service"); d != nil {
		switch d.value() {
		case "lvs":
		case "fos":
			l.fos = true
			l.lost(about, d.at, "failover services are not what Polso does; the virtuals, which did not run beside them, are not active")
		default:
			l.lost(about, d.at, "%q is neither lvs nor fos", d.value())
		}
	}
	if d := l.take(root, about, "network"); d != nil {
		forward, known := map[string]config.Forward{"nat": config.NAT, "direct": config.DR, "tunnel": config.Tun}[d.value()]
		if !known {
			l.lost(about, d.at, "%q is none of nat, direct and tunnel; nat, the default, is taken", d.value())
			forward = config.NAT
		}
		l.forward = forward
	}
	l.routers(root, about)
	l.timing(root, about)
	l.syncDaemon(root, about)
	for key, field := range map[string]*time.Duration{
		"tcp_timeout": &l.cluster.Timeouts.TCP, "tcpfin_timeout": &l.cluster.Timeouts.TCPFin, "udp_timeout": &l.cluster.Timeouts.UDP,
	} {
		n, _ := l.number(root, about, key, 0, 1<<21, 0) // 0 leaves the kernel's
		*field = seconds(n)
	}
	l.natRouter(root)
	l.commands(root)
	l.rest(root, about)
}

// commands makes notify blocks of what is run when a router becomes the director, or ceases to be.
func (l *lvscf) commands(root *lvsBlock) {
	for _, c := range []struct {
		key   string
		event config.EventKind
	}{{"active_cmd", config.EventActive}, {"inactive_cmd", config.EventInactive}} {
		d := l.take(root, "cluster", c.key)
		if d == nil || d.value() == "" {
			continue
		}
		n := l.runNotify(c.key, d.at, strings.Fields(d.value()), c.event)
		if c.event == config.EventInactive {
			l.hint(n.path, d.at, "pulse ran it when it started too; here it is run when a router that directed does so no more")
		}
	}
}

// routers reads who the pair are. Their addresses are no part of a document: prefer has names.
func (l *lvscf) routers(root *lvsBlock, about string) {
	if d := l.take(root, about, "primary"); d != nil {
		l.hint(about, d.at, `a document knows routers by name: write prefer = ["NAME"] with the name of the router at %s`, d.value())
	}
	if d := l.take(root, about, "backup"); d != nil && d.value() != "0.0.0.0" {
		l.hint(about, d.at, "the other router joins by itself: polso join; a third one or a witness makes a majority")
	}
	for _, key := range []string{"primary_private", "backup_private"} {
		if d := l.take(root, about, key); d != nil {
			l.hint(about, d.at, "the second path is the router's own: --advertise %s besides its first address", d.value())
		}
	}
	if active, d := l.yes(root, about, "backup_active"); d != nil && !active {
		l.hint(about, d.at, "the backup was off; a router that has not joined is no part of the cluster")
	}
}

// timing reads the heartbeat, which is raft's now.
func (l *lvscf) timing(root *lvsBlock, about string) {
	const most = 1 << 20
	alive, aliveAt := l.number(root, about, "keepalive", 0, most, 2)
	dead, deadAt := l.number(root, about, "deadtime", 0, most, 5)
	if deadAt == nil && aliveAt == nil {
		return
	}
	if deadAt != nil {
		profile := "wan" // 3 s
		if dead <= 2 {
			profile = "vm" // 1.5 s
		}
		l.hint(about, deadAt.at, "silence of %d s made a takeover; the profile nearest to that is %s: polso init --profile %s (lan, of 0.4 s, is what routers on one switch take)", dead, profile, profile)
	}
	if aliveAt != nil {
		l.hint(about, aliveAt.at, "the profile says how often routers hear of each other")
	}
	if dead <= alive {
		at := aliveAt
		if deadAt != nil {
			at = deadAt
		}
		l.hint(about, at.at, "deadtime (%d s) was not longer than keepalive (%d s): one lost heartbeat made a takeover", dead, alive)
	}
}

func (l *lvscf) syncDaemon(root *lvsBlock, about string) {
	on, d := l.yes(root, about, "syncdaemon")
	if d == nil || !on {
		return
	}
	s := &config.SyncDaemon{Interface: "eth0"}
	if link := l.take(root, about, "syncd_iface"); link != nil {
		s.Interface = legal(link.value())
	}
	id, _ := l.number(root, about, "syncd_id", 0, 1<<30, 0)
	s.ID = id & 0xff
	l.cluster.SyncDaemon = s
	l.at("cluster sync_daemon", d.at)
}

// natRouter makes the inside address that the servers have as their gateway a vip.
func (l *lvscf) natRouter(root *lvsBlock) {
	if l.forward != config.NAT {
		return // rest says that it had no effect
	}
	d := l.take(root, "", "nat_router")
	if d == nil || len(d.words) == 0 {
		return
	}
	a := l.address("cluster", d, d.words[0])
	if !a.IsValid() {
		return
	}
	x := l.vip("nat_router", d.at)
	x.Interface = l.device(x.path, d)
	bits, _ := l.mask(root, x.path, "nat_nmask")
	if bits == 0 {
		bits = 32
	}
	x.Address = netip.PrefixFrom(a, bits)
	l.vipAt[a] = &lvsVIP{device: x.Interface, bits: bits, made: true}
}

// home gives the address of a virtual its link and, with a mask that is not the address itself, a vip block. It returns the interface
// that the virtual itself has to name.
func (l *lvscf) home(v *virtual, d *lvsDirective, a netip.Addr, device string, bits int, marked bool) string {
	if known := l.vipAt[a]; known != nil {
		if known.device != device || known.bits != bits {
			l.hint(v.path, d.at, "%s is on %q with mask /%d where it stands first, which is what Piranha brought up; not on %q with /%d", a, known.device, known.bits, device, bits)
		}
		if known.made {
			return ""
		}
		device = known.device
	} else {
		l.vipAt[a] = &lvsVIP{device: device, bits: bits}
	}
	own := bits != 0 && bits != 32
	if !own && !marked {
		return device
	}
	x := l.vip(v.Name, d.at)
	x.Interface, x.Address = device, netip.PrefixFrom(a, 32)
	if own {
		x.Address = netip.PrefixFrom(a, bits)
	}
	l.vipAt[a].made = true
	return ""
}

// lvsSaid is what is said of a directive that nothing is made of; nothing, if what is "".
type lvsSaid struct {
	level Level
	what  string
}

// lvsIdle are the directives that nothing is made of, by the kind of block.
func lvsIdle(kind string) map[string]lvsSaid {
	unused := lvsSaid{Hint, "Piranha read it and did nothing with it"}
	foreign := lvsSaid{Lost, "the web tool wrote it, and the daemons refuse it"}
	switch kind {
	case "":
		disk := lvsSaid{Lost, "shared SCSI disks belong to failover services, which are not what Polso does"}
		return map[string]lvsSaid{
			"serial_no": {Hint, "revisions are counted by the cluster: polso history"},
			"heartbeat": unused, "debug_level": unused, "sync": unused,
			"rsh_command":    {Hint, "routers share the document by themselves, over TLS"},
			"heartbeat_port": {Hint, "routers speak over one TCP port, 5390 unless said otherwise: polso agent --listen"},
			"monitor_links":  {Hint, "a router whose links are down never directs while there is a fit one"},
			"hard_shutdown":  {Hint, "checks are part of the agent: there is no nanny that could die"},
			"ipvsadm":        {Hint, "the kernel is programmed directly"},
			"primary_shared": disk, "backup_shared": disk, "reservation_conflict_action": disk,
			"debug": foreign, "heartbeat_lan": foreign,
		}
	case "virtual":
		return map[string]lvsSaid{
			"master": unused, "dirs": unused, "start_cmd": unused, "stop_cmd": unused,
			"client_monitor": {Lost, "checks are part of the agent"},
			"expect_program": foreign, "heartbeat": foreign, "nmask": foreign, "deadtime": foreign, "method": foreign, "retry": foreign,
		}
	default:
		return map[string]lvsSaid{"nmask": foreign}
	}
}

// lvsRead reports whether a directive of that kind of block is one that something is made of, when it matters.
func lvsRead(kind, key string) bool {
	words := "active address port weight" // of a server
	switch kind {
	case "":
		words = "service primary primary_private backup backup_active backup_private keepalive deadtime network nat_router nat_nmask " +
			"syncdaemon syncd_iface syncd_id tcp_timeout tcpfin_timeout udp_timeout active_cmd inactive_cmd"
	case "virtual":
		words = "active address vip_nmask port protocol fwmark scheduler persistent pmask send expect use_regex send_program timeout " +
			"reentry load_monitor quiesce_server sorry_server"
	}
	return strings.Contains(" "+words+" ", fmt.Sprintf(" %s ", key))
}
