package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"polso/api"
	"polso/config"
	"polso/director"
	"polso/ipvs"
	"polso/vip"
)

// Doctor says what a member lacks.
func (a *Agent) Doctor(ctx context.Context, on string) (api.Findings, error) {
	b := a.current.Load()
	return onMember(ctx, b, on, http.MethodPost, pathDoctor, struct{}{}, func(ctx context.Context, _ struct{}) (api.Findings, error) { return b.examine(ctx), nil })
}

// examine says what this one lacks.
func (b *body) examine(ctx context.Context) api.Findings {
	a := b.a
	found := api.Findings{Schema: api.Schema, Node: a.o.Name}
	door := a.door.examine(ctx, time.Now())
	if a.o.Dev {
		found.Findings = append(door, ok("kernel", "simulated (--dev): nothing to look at"))
		return found
	}
	if b.bare {
		found.Findings = slices.Concat([]api.Finding{b.examineKind(), examineClock()}, b.examineCluster(), door)
		return found
	}
	found.Findings = append(examineMachine(ctx, a.o.Kernel), examineInterfaces(b.local.links, a.o.Interfaces)...)
	found.Findings = append(found.Findings, examineFence(b.local.keeper.Fence()))
	found.Findings = append(found.Findings, b.examineCluster()...)
	found.Findings = append(found.Findings, b.examineDocument()...)
	found.Findings = append(found.Findings, b.examineItself()...)
	found.Findings = append(found.Findings, door...)
	found.Findings = append(found.Findings, b.examineAddresses(ctx)...)
	return found
}

// examineDocument says what the document needs of this router beside its table and addresses.
func (b *body) examineDocument() []api.Finding {
	dir := b.local.director.Status()
	found := examineSettings(sysctls(dir), func(name string) error { return b.local.settings.Writable(director.SysctlPath(name)) })
	serves := func(v config.Virtual) bool { return director.ServesHere(dir.Links, v) }
	doc := b.snapshot().Document
	found = append(found, examineWays(doc, dir, b.local.settings, kernelsSource)...)
	return append(found, examineServing(doc, serves, onLoopback())...)
}

// examineKind is what there is to say of a node that works on no kernel.
func (b *body) examineKind() api.Finding {
	if b.witness() {
		return ok("kind", "witness: votes, never directs; needs neither IPVS nor privileges")
	}
	cannot := asAPIError(b.a.o.able())
	return warn("kind", cannot.Title+"; what it can be is a witness", cannot.Hint)
}

// Examine looks at the machine without an agent.
func Examine(ctx context.Context) api.Findings {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	return api.Findings{Schema: api.Schema, Node: host, Findings: examineMachine(ctx, RealKernel)}
}

func ok(name, detail string) api.Finding { return api.Finding{Name: name, Level: "ok", Detail: detail} }

func warn(name, detail, fix string) api.Finding {
	return api.Finding{Name: name, Level: "warn", Detail: detail, Fix: fix}
}

func fail(name, detail, fix string) api.Finding {
	return api.Finding{Name: name, Level: "fail", Detail: detail, Fix: fix}
}

func examineMachine(ctx context.Context, kernel Kernel) []api.Finding {
	found := []api.Finding{examineCapabilities()}
	if kernel == SimulatedKernel {
		found = append(found, ok("ipvs", "simulated (--kernel simulated)"))
	} else {
		found = append(found, examineIPVS(ctx)...)
	}
	found = append(found, examineProc(procSys{"/proc/sys"})...)
	found = append(found, examineSysctls(procSys{"/proc/sys"})...)
	return append(found, examineClock())
}

// capability numbers of capabilities(7).
const (
	capNetAdmin = 12
	capNetRaw   = 13
)

func examineCapabilities() api.Finding {
	missing, err := missingCapabilities()
	switch {
	case err != nil:
		return warn("capabilities", err.Error(), "look at CapEff in /proc/self/status")
	case len(missing) > 0:
		return fail("capabilities", "missing "+strings.Join(missing, ", "), privilegesFix)
	}
	return ok("capabilities", "CAP_NET_ADMIN, CAP_NET_RAW")
}

const privilegesFix = "run as root, or give the service AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW"

// missingCapabilities are those that this process needs and has not.
func missingCapabilities() ([]string, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		rest, found := strings.CutPrefix(line, "CapEff:")
		if !found {
			continue
		}
		set, err := strconv.ParseUint(strings.TrimSpace(rest), 16, 64)
		if err != nil {
			return nil, err
		}
		var missing []string
		for _, c := range []struct {
			name string
			bit  int
		}{{"CAP_NET_ADMIN", capNetAdmin}, {"CAP_NET_RAW", capNetRaw}} {
			if set&(1<<c.bit) == 0 {
				missing = append(missing, c.name)
			}
		}
		return missing, nil
	}
	return nil, errors.New("/proc/self/status has no line CapEff")
}

// privileged refuses to begin what could only fail for want of privileges.
func privileged() error {
	missing, err := missingCapabilities()
	if err != nil || len(missing) == 0 {
		return nil // without /proc, the first attempt will tell
	}
	return api.Errorf(api.CodeDenied, "not permitted to change addresses: %s missing", strings.Join(missing, " and ")).
		WithHint("%s; to try it without: %s; a witness needs none: --kernel none", privilegesFix, tryIt)
}

func examineIPVS(ctx context.Context) []api.Finding {
	schedulers, err := ipvs.Schedulers(ctx, ipvs.Options{})
	switch {
	case errors.Is(err, ipvs.ErrNoIPVS):
		return []api.Finding{fail("ipvs", err.Error(), "install the distribution's full kernel (Debian: linux-image-amd64), then `modprobe ip_vs`")}
	case errors.Is(err, fs.ErrPermission): // for the namespace to try them in, which a service that is bounded well may not make
		if _, err = withTable(ctx, readable); err == nil {
			listed, unknown := ipvs.ListedSchedulers()
			if unknown != nil {
				return []api.Finding{ok("ipvs", "is there; which schedulers, could only be tried with CAP_SYS_ADMIN")}
			}
			return []api.Finding{ok("ipvs", "schedulers "+strings.Join(listed, " ")+", by the lists of the kernel's modules; they could only be tried with CAP_SYS_ADMIN")}
		}
	}
	if err != nil {
		return []api.Finding{fail("ipvs", err.Error(), "run as root")}
	}
	return []api.Finding{ok("ipvs", "schedulers "+strings.Join(schedulers, " "))}
}

// readable finds out whether the table may be read.
func readable(t table) (int, error) {
	_, _, err := t.Table()
	return 0, err
}

// examineSysctls looks at settings that make a router misbehave. Those that the document needs are set by the director.
func examineSysctls(p procSys) []api.Finding {
	var found []api.Finding
	for _, s := range []struct{ path, bad, why, fix string }{
		{"net/ipv4/conf/all/proxy_arp", "1", "this router would answer ARP for addresses that another one holds", "sysctl -w net.ipv4.conf.all.proxy_arp=0"},
		{"net/ipv4/conf/all/drop_gratuitous_arp", "1", "this router does not learn where an address has moved", "sysctl -w net.ipv4.conf.all.drop_gratuitous_arp=0"},
	} {
		name := director.SysctlName(s.path)
		switch v, err := p.Read(s.path); {
		case err != nil:
			continue // this kernel has no such setting
		case v == s.bad:
			found = append(found, warn(name, "is "+v+": "+s.why, s.fix))
		default:
			found = append(found, ok(name, v))
		}
	}
	return found
}

// examineInterfaces looks for the devices that the logical names stand for.
func examineInterfaces(links func() (vip.Links, error), names map[string]string) []api.Finding {
	have, err := links()
	if err != nil {
		return []api.Finding{fail("interfaces", err.Error(), "run as root")}
	}
	var found []api.Finding
	for _, logical := range slices.Sorted(maps.Keys(names)) {
		device, name := names[logical], "interface "+logical
		i := slices.IndexFunc(have, func(l vip.Link) bool { return l.Name == device })
		switch {
		case i < 0:
			found = append(found, fail(name, "there is no device "+device, "`ip -brief link` shows those that are; start the agent with --interface "+logical+"=DEVICE"))
		case !have[i].Up:
			found = append(found, fail(name, device+" is down", "ip link set "+device+" up"))
		default:
			found = append(found, ok(name, device))
		}
	}
	return found
}

// examineFence says which bound holds when the agent dies or stands still.
func examineFence(f vip.FenceState) api.Finding {
	if f.Up {
		return ok("fence", "nftables: nothing passes for an address beyond its lease, whatever becomes of the agent")
	}
	return warn("fence", "none ("+f.Why+"): when the agent is killed or stopped, its addresses are answered for up to 2.3 s beyond the lease",
		"use a kernel with nf_tables (Debian's has it), or load it: modprobe nf_tables nft_fib_inet")
}

func examineClock() api.Finding {
	if now := time.Now(); now.Year() < 2024 {
		return warn("clock", "says "+now.Format(time.RFC3339)+"; leases do not depend on it, the history's times and tokens' ends do", "start an NTP client")
	}
	return ok("clock", time.Now().UTC().Format(time.RFC3339)+" (leases use the boot clock, which no one sets)")
}

func (b *body) examineCluster() []api.Finding {
	if b.member == nil {
		return []api.Finding{warn("cluster", "this router belongs to none", "polso init on the first router, polso join on the others")}
	}
	var found []api.Finding
	st := b.localStatus()
	if st.Leader == "" {
		found = append(found, fail("leader", "none is known", "start the other routers, or see that port 5390 is open between them"))
	} else {
		found = append(found, ok("leader", st.Leader))
	}
	switch n := voters(b.member); {
	case n < 3:
		found = append(found, warn("voters", fmt.Sprintf("%d: losing one leaves no quorum, and without a quorum nobody holds an address", n), "join another router, or a witness: polso token create --kind witness"))
	case n%2 == 0:
		found = append(found, warn("voters", fmt.Sprintf("%d: an even number tolerates no more failures than one less", n), "join another router or remove one"))
	default:
		found = append(found, ok("voters", strconv.Itoa(n)))
	}
	if !b.a.o.Dev {
		well, _ := b.member.certificates(time.Now()) // what is not is a problem of the status
		found = append(found, well...)
	}
	for _, p := range st.Problems {
		found = append(found, fail(p.What, p.Why, p.Fix))
	}
	return found
}

// examineAddresses asks each segment whether somebody else answers for an address that nobody should hold, or that this
// router holds.
func (b *body) examineAddresses(ctx context.Context) []api.Finding {
	if b.member == nil {
		return nil
	}
	var found []api.Finding
	held := b.role().Leader
	status := b.local.director.Status()
	for _, p := range status.Places {
		if !held && b.localStatus().Leader != "" {
			continue // the director is expected to answer
		}
		mac, answered, err := vip.Probe(ctx, p.Link, p.Addr)
		name := "address " + p.Addr.String()
		switch {
		case err != nil:
			found = append(found, warn(name, err.Error(), "see that "+p.Link+" is an Ethernet link that is up"))
		case answered:
			found = append(found, fail(name, fmt.Sprintf("is in use: %s answers for it on %s", mac, p.Link), "find that machine and take the address off it"))
		default:
			found = append(found, ok(name, "nobody else answers for it on "+p.Link))
		}
	}
	if !held {
		return found
	}
	for _, v := range b.snapshot().Document.Served().Virtuals {
		if v.Forward == config.DR {
			found = append(found, ok("direct routing", "virtual "+v.Name+": each real server needs "+addrOf(v.Address)+" on lo, with arp_ignore=1 and arp_announce=2"))
		}
	}
	return found
}

func addrOf(a netip.Addr) string {
	if !a.IsValid() {
		return "the marked address"
	}
	return a.String()
}
