package agent

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"polso/api"
	"polso/config"
	"polso/director"
)

// settings are this router's kernel settings as the director needs them, and as doctor asks of them.
type settings interface {
	director.ProcSys
	Writable(path string) error // why the setting cannot be written here, nil if it can; nothing is changed
}

// sysctls are the kernel settings of a director's status.
func sysctls(dir *director.Status) []api.Sysctl {
	var out []api.Sysctl
	for _, s := range dir.Settings {
		x := api.Sysctl{Name: s.Name(), Value: s.Now, For: s.For, Otherwise: s.Else, State: "set"}
		if s.Changed {
			x.Found = s.Found
		}
		if s.Against() {
			x.Against = fmt.Sprintf("%s wants %s: %s", s.Over.For, s.Over.Value, s.Over.Else)
		}
		switch {
		case s.Kept:
			x.State = "untouched"
		case !s.Wanted && !s.Changed:
			continue // the kernel keeps it with another
		case !s.Wanted:
			x.State = "kept"
		case s.Now != s.Value && s.Instead != nil && !slices.Contains(s.Instead, s.Now):
			x.State, x.Wanted = "left", s.Value
		default:
			x.Wanted = s.Value
			if s.Now != s.Value {
				x.State = "differs"
			}
		}
		out = append(out, x)
	}
	return out
}

// examineSettings explains each kernel setting that the document needs here.
func examineSettings(list []api.Sysctl, writable func(name string) error) []api.Finding {
	var found []api.Finding
	for _, s := range list {
		was := ""
		if s.Found != "" {
			was = fmt.Sprintf(" (was %s)", s.Found)
		}
		why := "for " + s.For
		if s.Otherwise != "" {
			why += "; otherwise " + s.Otherwise
		}
		locked := writable(s.Name)
		if locked != nil {
			why += "; it cannot be written here: " + cause(locked)
		}
		switch s.State {
		case "kept":
			found = append(found, ok(s.Name, fmt.Sprintf("%s%s: for a document of before, or by the kernel with another; polso release --all puts it back", s.Value, was)))
		case "left":
			detail := fmt.Sprintf("%s, left as it is where %s would do %s", s.Value, s.Wanted, why)
			if strings.HasSuffix(s.Name, ".arp_ignore") {
				found = append(found, warn(s.Name, detail+"; with this the router may not answer for its virtual addresses either", "sysctl -w "+s.Name+"="+s.Wanted))
				continue
			}
			found = append(found, ok(s.Name, detail))
		case "set", "untouched":
			detail := s.Value + was + " " + why
			if s.State == "untouched" {
				detail = cmp.Or(s.Value, "cannot be read") + was + ", kept as it is for " + s.For
			}
			if s.Against != "" {
				found = append(found, warn(s.Name, detail+", but "+s.Against, "take it out of cluster { sysctls } in the document, unless that is meant"))
				continue
			}
			found = append(found, ok(s.Name, detail))
		default:
			fix := "sysctl -w " + s.Name + "=" + s.Wanted
			if locked != nil {
				fix += " where it can be: outside the container; to do without, cluster { sysctls } in the document with the value keep"
			}
			found = append(found, fail(s.Name, fmt.Sprintf("is %s, wanted %s %s", s.Value, s.Wanted, why), fix))
		}
	}
	return found
}

// cause is an error's innermost, which says no path.
func cause(err error) string {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok || inner.Unwrap() == nil {
			return err.Error()
		}
		err = inner.Unwrap()
	}
}

// examineProc says whether settings can be written at all.
func examineProc(p procSys) []api.Finding {
	const path, fix = "net/ipv4/ip_forward", "run as root; a container needs --privileged or /proc/sys mounted for writing, or set on the host what the document needs"
	if err := p.Writable(path); err != nil {
		return []api.Finding{warn("kernel settings", "cannot be written here: "+cause(err), fix)}
	}
	return []api.Finding{ok("kernel settings", "can be written")}
}

// examineServing looks for the addresses that this router needs on lo where it is a real server too. own are those of lo.
func examineServing(doc config.Document, serves func(config.Virtual) bool, own []netip.Addr) []api.Finding {
	var found []api.Finding
	for _, v := range doc.Served().Virtuals {
		switch name := "virtual " + v.Name; {
		case v.FWMark != 0 || !serves(v):
		case slices.Contains(own, v.Address):
			found = append(found, ok(name, "this router serves it too: directing, it hands itself its share; standing by, it keeps no table for it"))
		default:
			found = append(found, warn(name, "this router is one of its servers and has not "+v.Address.String()+" on lo: while another directs, what that sends here is lost",
				fmt.Sprintf("ip address add %s dev lo, and in the configuration that survives a boot", netip.PrefixFrom(v.Address, v.Address.BitLen()))))
		}
	}
	return found
}

// onLoopback are the addresses of lo.
func onLoopback() []netip.Addr {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return nil
	}
	addrs, err := lo.Addrs()
	if err != nil {
		return nil
	}
	var out []netip.Addr
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p.Addr())
		}
	}
	return out
}
