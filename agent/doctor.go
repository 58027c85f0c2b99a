package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"polso/api"
	"polso/config"
	"polso/ipvs"
	"polso/vip"
)

// Doctor says what this router lacks.
func (a *Agent) Doctor(ctx context.Context) api.Findings {
	b := a.current.Load()
	found := api.Findings{Schema: api.Schema, Node: a.o.Name}
	if a.o.Dev {
		found.Findings = append(found.Findings, ok("kernel", "simulated (--dev): nothing to look at"))
		return found
	}
	found.Findings = append(examineMachine(ctx, a.o.Kernel), b.examineCluster()...)
	found.Findings = append(found.Findings, b.examineAddresses(ctx)...)
	return found
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
	found = append(found, examineSysctls(procSys{"/proc/sys"})...)
	return append(found, examineClock())
}

// capability numbers of capabilities(7).
const (
	capNetAdmin = 12
	capNetRaw   = 13
)

func examineCapabilities() api.Finding {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return warn("capabilities", err.Error(), "mount /proc")
	}
	for line := range strings.Lines(string(text)) {
		rest, found := strings.CutPrefix(line, "CapEff:")
		if !found {
			continue
		}
		set, err := strconv.ParseUint(strings.TrimSpace(rest), 16, 64)
		if err != nil {
			break
		}
		var missing []string
		for name, bit := range map[string]int{"CAP_NET_ADMIN": capNetAdmin, "CAP_NET_RAW": capNetRaw} {
			if set&(1<<bit) == 0 {
				missing = append(missing, name)
			}
		}
		if len(missing) > 0 {
			return fail("capabilities", "missing "+strings.Join(missing, ", "), "run as root, or give the service AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW")
		}
		return ok("capabilities", "CAP_NET_ADMIN, CAP_NET_RAW")
	}
	return warn("capabilities", "cannot be read", "look at CapEff in /proc/self/status")
}

func examineIPVS(ctx context.Context) []api.Finding {
	schedulers, err := ipvs.Schedulers(ctx, ipvs.Options{})
	switch {
	case errors.Is(err, ipvs.ErrNoIPVS):
		return []api.Finding{fail("ipvs", err.Error(), "install the distribution's full kernel (Debian: linux-image-amd64), then `modprobe ip_vs`")}
	case err != nil:
		return []api.Finding{fail("ipvs", err.Error(), "run as root")}
	}
	return []api.Finding{ok("ipvs", "schedulers "+strings.Join(schedulers, " "))}
}

// examineSysctls looks at settings that make a router misbehave. Those that the document needs are set by the director.
func examineSysctls(p procSys) []api.Finding {
	var found []api.Finding
	for _, s := range []struct{ path, bad, why, fix string }{
		{"net/ipv4/conf/all/proxy_arp", "1", "this router would answer ARP for addresses that another one holds", "sysctl -w net.ipv4.conf.all.proxy_arp=0"},
		{"net/ipv4/conf/all/drop_gratuitous_arp", "1", "this router does not learn where an address has moved", "sysctl -w net.ipv4.conf.all.drop_gratuitous_arp=0"},
		{"net/ipv4/conf/all/rp_filter", "1", "strict reverse-path filtering drops replies that come another way", "sysctl -w net.ipv4.conf.all.rp_filter=2"},
	} {
		name := strings.ReplaceAll(s.path, "/", ".")
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
		found = append(found, warn("voters", fmt.Sprintf("%d: losing one leaves no quorum, and without a quorum nobody holds an address", n), "join a third router"))
	case n%2 == 0:
		found = append(found, warn("voters", fmt.Sprintf("%d: an even number tolerates no more failures than one less", n), "join another router or remove one"))
	default:
		found = append(found, ok("voters", strconv.Itoa(n)))
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
	for _, v := range b.snapshot().Document.Virtuals {
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
