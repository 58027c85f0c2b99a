package director

import (
	"fmt"
	"slices"
	"time"

	"polso/ipvs"
	"polso/vip"
)

// How connections are told to the other routers. With a threshold of 0 0 the kernel tells of a connection as soon as it is
// established and, while packets come, when refresh has gone by since it did; with its own 3 50 one of which the third packet is a
// repeated one is told of at the fifty-third. One repetition, refresh/8 later, is for a message that was lost.
const (
	syncRefresh = 10 * time.Second
	// learning is how long a router listens until it knows the connections of another: each has been told of within
	// syncRefresh, and the kernel sends what it has collected for two seconds, and looks once in a second whether it has.
	learning = syncRefresh + 3*time.Second
	// deafness is how long there may be nobody to hear before what was told meanwhile counts as missed: an election is shorter.
	deafness = 2 * time.Second
)

// Learning is what makes a router unfit that has not listened for long enough.
const Learning = "its sync daemon has not listened for 13s yet"

// BackupOnly is the setting under which a kernel whose backup daemon runs balances nothing.
const BackupOnly = "net/ipv4/vs/backup_only"

// synced returns the daemons that share this node's connections with the other routers', and a problem where they cannot run.
// Both run on every router all the time: who takes over has listened before, and nothing is started by then.
func synced(in Inputs) ([]ipvs.Daemon, []Problem) {
	s := in.State.Document.Cluster.SyncDaemon
	if s == nil {
		return nil, nil
	}
	device, trouble := deviceOf(in, syncDaemon, s.Interface)
	switch {
	case device != "":
	case len(in.Links) == 0: // not even lo: they could never be read, which is no reason to stop what runs
		return in.Daemons, []Problem{trouble}
	default:
		return nil, []Problem{trouble}
	}
	d := ipvs.Daemon{Link: device, ID: uint8(s.ID), Group: s.Group, Port: s.Port, TTL: uint8(s.TTL), MaxLen: uint16(s.MaxLen)}
	both := []ipvs.Daemon{d, d}
	both[0].Role, both[1].Role = ipvs.Master, ipvs.Backup
	return both, nil
}

const syncDaemon = "sync daemon"

// synchronised adds the settings for connection synchronisation. Under backup_only a kernel whose backup daemon runs balances
// nothing: what a director sends to a standby that is a server too is not sent on. On a director it must never be set. Who stands by
// keeps the connections of a server that a check of its own takes out of the table for a moment: with the server they are there again,
// and without them a takeover would end them, as the others tell of each but now and then.
func (s Sysctls) synchronised(in Inputs) Sysctls {
	if s == nil {
		s = make(Sysctls)
	}
	role := Setting{Value: "0", For: syncDaemon + ": this router directs", Else: "it balances nothing"}
	if len(in.Mandate.Groups) == 0 {
		standing := syncDaemon + ": this router stands by"
		role = Setting{Value: "1", For: standing, Else: "what a director sends to it as a server is sent on"}
		s[expireOrphans] = Setting{Value: "0", For: standing, Else: "it forgets the connections of a server that it sees down for a moment, and a takeover soon after ends them"}
	}
	s[BackupOnly] = role
	early := func(name, value string) {
		s.want(vs+name, Setting{Value: value, For: syncDaemon, Else: "the other routers hear of a connection late"})
	}
	early("sync_threshold", "0 0")
	early("sync_refresh_period", fmt.Sprint(int(syncRefresh.Seconds())))
	early("sync_retries", "1")
	return s
}

// hearing is what a router knows of how long it has listened to the others' connections.
type hearing struct {
	since time.Time // without a break; zero: it does not
	deaf  time.Time // since when there is nobody to hear; zero: there is
}

// note takes what a pass found: whether the backup daemon runs, whether it was started just now, whether it can hear a director.
func (h *hearing) note(now time.Time, runs, fresh, hears bool) {
	if !hears && h.deaf.IsZero() {
		h.deaf = now
	}
	missed := hears && !h.deaf.IsZero() && now.Sub(h.deaf) > deafness
	if hears {
		h.deaf = time.Time{}
	}
	switch {
	case !runs:
		h.since = time.Time{}
	case fresh || missed || h.since.IsZero():
		h.since = now
	}
}

// learnt tells whether it has listened for long enough.
func (h *hearing) learnt(now time.Time) bool {
	return !h.since.IsZero() && now.Sub(h.since) >= learning
}

// daemons reads those that run. If they cannot be read, those that ran after the last pass that could are taken for them.
func (p *pass) daemons() ([]ipvs.Daemon, error) {
	have, err := p.o.IPVS.Daemons()
	if err != nil {
		return p.memory.synced, err
	}
	return have, nil
}

// listens tells whether a backup daemon is among them.
func listens(list []ipvs.Daemon) bool {
	return slices.ContainsFunc(list, func(d ipvs.Daemon) bool { return d.Role == ipvs.Backup })
}

// synchronise makes the wanted daemons run and returns those that do; unread says why those of now are not known. What fails is a problem and hinders nothing else. It makes
// a router that stands by unfit, but not a director: to hand over would break the very connections that the others were not told of.
func (p *pass) synchronise(in Inputs, want *Want, unread error) []ipvs.Daemon {
	trouble := func(why string) {
		want.Problems = append(want.Problems, Problem{syncDaemon, why, "the connections of this router are not shared until it runs; the kernel's log may say more"})
	}
	if unread != nil {
		trouble(unread.Error())
		return nil
	}
	have := in.Daemons
	ops := ipvs.PlanDaemons(want.Sync, have)
	if device := want.syncDevice(in.Links); device != p.memory.syncDevice {
		if len(ops) == 0 && p.memory.syncDevice != 0 && device != 0 {
			// The device was made anew under its name: they sit on the one that is gone, and hear nothing.
			ops = slices.Concat(ipvs.PlanDaemons(nil, have), ipvs.PlanDaemons(want.Sync, nil))
		}
		p.memory.syncDevice = device
	}
	repairs, fresh := p.memory.synced != nil && len(ipvs.PlanDaemons(want.Sync, p.memory.synced)) == 0, false
	stuck := make(map[ipvs.DaemonRole]bool) // one that could not be stopped cannot be started either
	for _, op := range ops {
		if stuck[op.Daemon.Role] {
			continue
		}
		if err := p.o.IPVS.Do(op); err != nil {
			trouble("ipvsadm " + err.Error())
			stuck[op.Daemon.Role] = true
			continue
		}
		if repairs {
			p.drift++
		}
		fresh = fresh || op.Verb == ipvs.StartDaemon && op.Daemon.Role == ipvs.Backup
		p.log.Info("ipvs changed", "op", op.String())
	}
	if len(ops) > 0 {
		var err error
		if have, err = p.o.IPVS.Daemons(); err != nil {
			trouble(err.Error())
			return nil
		}
	}
	if len(ops) > 0 && len(want.Sync) == 0 && len(have) == 0 && p.has(BackupOnly, "1") {
		p.set(Sysctls{BackupOnly: {Value: "0"}}, in.Links) // what it was for is over
	}
	if listens(have) != listens(in.Daemons) { // which tables may be here depends on it
		p.Ring()
	}
	p.memory.synced = have
	i := slices.IndexFunc(have, func(d ipvs.Daemon) bool { return d.Role == ipvs.Backup })
	hears := len(in.Mandate.Groups) > 0 || in.State.OtherLeads && i >= 0 && up(in.Links, have[i].Link)
	p.memory.hearing.note(time.Now(), i >= 0, fresh, hears)
	return have
}

// syncDevice is the index of the device that the wanted daemons are on; 0 if none is wanted, or it is not there.
func (w Want) syncDevice(links vip.Links) int {
	if len(w.Sync) == 0 {
		return 0
	}
	link, _ := links.Named(w.Sync[0].Link)
	return link.Index
}

func up(links vip.Links, name string) bool {
	link, ok := links.Named(name)
	return ok && link.Up
}

// unheard says why a router that stands by should not be the next director: it does not know the others' connections.
func (p *pass) unheard(in Inputs, want Want) []string {
	if in.State.Document.Cluster.SyncDaemon == nil || want.KeepTable || len(in.Mandate.Groups) > 0 {
		return nil
	}
	var out []string
	for _, q := range want.Problems {
		if q.What == syncDaemon {
			out = append(out, q.What+": "+q.Why)
		}
	}
	if len(out) == 0 && len(want.Sync) > 0 && !up(in.Links, want.Sync[0].Link) {
		out = []string{"link " + want.Sync[0].Link + " of the sync daemon is down"}
	}
	if len(out) == 0 && !p.memory.hearing.learnt(time.Now()) {
		out = []string{Learning}
	}
	return out
}
