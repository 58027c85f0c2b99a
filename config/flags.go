package config

import (
	"fmt"
	"slices"
	"strings"
)

// flagBits tells which of the kernel's flags a word stands for: sh and mh have names of their own for the first two.
func flagBits() map[string]int {
	return map[string]int{
		"ops":      0,
		"fallback": 1, "sh-fallback": 1, "mh-fallback": 1, "flag-1": 1,
		"port": 2, "sh-port": 2, "mh-port": 2, "flag-2": 2,
		"flag-3": 3,
	}
}

// completeFlags takes the scheduler's name, which ipvsadm has before them, off its flags.
func (v *Virtual) completeFlags() {
	if v.Scheduler != "sh" && v.Scheduler != "mh" {
		return
	}
	for i, f := range v.Flags {
		if _, known := flagBits()[f]; known {
			v.Flags[i] = strings.TrimPrefix(f, v.Scheduler+"-")
		}
	}
}

func (v *verdicts) flags(p path, x Virtual) {
	known := []string{"fallback", "port", "ops", "flag-1", "flag-2", "flag-3", "sh-fallback", "sh-port", "mh-fallback", "mh-port"}
	bits := flagBits()
	first := make(map[int]string)
	for _, f := range x.Flags {
		if !enum(v, p, "flag", f, known...) {
			continue
		}
		if other, ok := first[bits[f]]; ok {
			what := fmt.Sprintf("flag %q is there twice", f)
			if other != f {
				what = fmt.Sprintf("flags %q and %q are the same", other, f)
			}
			v.add(p, what, "", "")
		}
		first[bits[f]] = f
		switch f {
		case "fallback", "port":
			if x.Scheduler != "sh" && x.Scheduler != "mh" && slices.Contains(Schedulers(), x.Scheduler) {
				v.add(p, fmt.Sprintf("flag %q belongs to the schedulers sh and mh, not to %s", f, x.Scheduler), "", "")
			}
		case "sh-fallback", "sh-port", "mh-fallback", "mh-port": // of x.Scheduler they are shorter by now
			if slices.Contains(Schedulers(), x.Scheduler) {
				v.add(p, fmt.Sprintf("flag %q belongs to the scheduler %s, not to %s", f, f[:2], x.Scheduler), "", "")
			}
		case "ops":
			if (x.Protocol == TCP || x.Protocol == SCTP) && x.FWMark == 0 {
				v.add(p, `flag "ops" is for udp only`, "One-packet scheduling forgets the connection after each packet.", "")
			}
		}
	}
}

// engine checks a virtual's persistence engine.
func (v *verdicts) engine(p path, x Virtual) {
	engine := x.Persistent.Engine
	if engine == "" || !enum(v, p, "persistence engine", engine, "sip") {
		return
	}
	if x.Protocol == TCP || x.Protocol == SCTP {
		v.add(p, fmt.Sprintf("engine %q is for udp only", engine), "The kernel finds the Call-ID in datagrams alone.", `Write protocol = "udp", or remove it.`)
	}
}
