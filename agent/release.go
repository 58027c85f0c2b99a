package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"polso/api"
	"polso/consensus/store"
	"polso/detour"
	"polso/director"
	"polso/fsm"
	"polso/ipvs"
	"polso/vip"
)

// Scope is what Release lets go of.
type Scope int

// The scopes.
const (
	Addresses  Scope = iota
	Everything       // the IPVS table too, which cuts connections, and kernel settings that were changed
)

// Remains says which agent's remains are meant.
type Remains struct {
	DataDir string
	Socket  string // the path of its unix socket, beside which it noted that the table is its own
}

// Release lets go of what a dead agent left in this network namespace's kernel, and says what it did. It shares the
// agent's locks on the network namespace and on the data directory: while an agent runs it refuses.
func Release(ctx context.Context, of Remains, scope Scope) ([]string, error) {
	marker, record := "", settingsFile{}
	if _, err := os.Stat(filepath.Join(of.DataDir, "lock")); err == nil {
		home, err := store.OpenHome(of.DataDir, "")
		if errors.Is(err, store.ErrLocked) {
			return nil, api.Errorf(api.CodeRefused, "an agent runs on %s", of.DataDir).
				WithHint("stop it, it lets go by itself; polso transfer moves the addresses to another router")
		}
		if err != nil {
			return nil, err
		}
		defer home.Close()
		if kind, err := kindOf(home); err == nil && kind == fsm.Witness {
			return []string{"This node is a witness: it holds nothing."}, nil
		}
		o := Options{Name: home.Identity().Name, Socket: of.Socket}
		marker, record = claimFile(o), recordFile(o)
	}
	if err := privileged(); err != nil {
		return nil, err
	}
	lock, err := alone()
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	edge, err := vip.Open()
	if err != nil {
		return nil, notPermitted(err)
	}
	defer edge.Close()
	have, err := edge.Placed()
	if err != nil {
		return nil, notPermitted(err)
	}
	links, err := edge.Links()
	if err != nil {
		return nil, notPermitted(err)
	}
	device := map[int]string{} // the kernel lists addresses with their links' indexes
	for _, l := range links {
		device[l.Index] = l.Name
	}
	keeper := vip.New(vip.Options{Edge: edge, Clock: func() vip.Instant { return vip.Instant(sinceBoot()) }})
	if err := keeper.LetGo(nil); err != nil {
		return nil, notPermitted(err)
	}
	var done []string
	// Nothing is behind it any more. Where the kernel has no nftables there was none.
	if err := new(vip.KernelFence).Raze(); err != nil && !noNFTables(err) {
		done = append(done, fmt.Sprintf("The fence could not be taken away, and may keep its addresses from answering: %v. By hand: nft list tables.", err))
	}
	if err := detour.Raze(new(detour.Kernel)); err != nil && !noNFTables(err) {
		done = append(done, fmt.Sprintf("What leads probes to virtual addresses could not be taken away: %v. It harms nobody.", err))
	}
	for _, p := range have {
		if p.Ours {
			done = append(done, fmt.Sprintf("Let go of %s on %s.", p.Addr, device[p.Index]))
		}
	}
	clear := empty
	if scope == Addresses {
		clear = func(t table) (int, error) { return unrelay(t, procSys{"/proc/sys"}, have) }
	}
	if scope == Everything || claimed(marker) { // else the table is somebody else's
		switch n, err := withTable(ctx, clear); {
		case errors.Is(err, ipvs.ErrNoIPVS): // the agent's was simulated
		case err != nil:
			return done, noTable(err)
		case n > 0 || scope == Everything:
			done = append(done, fmt.Sprintf("Removed %s from the IPVS table.", services(n)))
		}
	}
	if scope == Everything {
		switch lifted, err := lift(new(ipvs.KernelRules)); {
		case err != nil:
			return done, err
		case lifted:
			done = append(done, "Removed the packet rules that marked packets for it.")
		}
		if err := os.Remove(marker); marker != "" && err != nil && !errors.Is(err, os.ErrNotExist) {
			return done, err
		}
		if record.path == "" {
			done = append(done, fmt.Sprintf("Kernel settings were not looked at: %s is no agent's data directory, so there is no record of what was changed. Name it with --data-dir.", of.DataDir))
		}
		back, err := putBack(procSys{"/proc/sys"}, record)
		if done = append(done, back...); err != nil {
			return done, notPermitted(err)
		}
	}
	if len(done) == 0 {
		done = []string{"Nothing was left behind."}
	}
	return done, nil
}

// noNFTables tells that the kernel knows nothing of nftables.
func noNFTables(err error) bool {
	return errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.EPROTONOSUPPORT) || errors.Is(err, syscall.EINVAL) || errors.Is(err, vip.ErrNoFence)
}

// unrelay sees to it that this machine passes on nothing that another director sends to it as a server: where a sync daemon
// listens by not balancing at all, as standing by, so that the connections that it was told of stay; else by removing the
// services that it relays. It says how many those were.
func unrelay(t table, sys director.ProcSys, have []vip.Placed) (int, error) {
	daemons, err := t.Daemons()
	if err != nil {
		return 0, err
	}
	if slices.ContainsFunc(daemons, func(d ipvs.Daemon) bool { return d.Role == ipvs.Backup }) {
		return 0, sys.Write(director.BackupOnly, "1")
	}
	return removeServices(t, func(s ipvs.Service) bool { return relays(s, have) })
}

// relays tells whether a service would pass on again what another director sends to this machine as one of its servers: without
// an agent nobody would take it away.
func relays(s ipvs.Service, have []vip.Placed) bool {
	return slices.ContainsFunc(s.Destinations, func(d ipvs.Destination) bool {
		return d.Forward != ipvs.NAT && slices.ContainsFunc(have, func(p vip.Placed) bool { return !p.Ours && p.Addr == d.Addr.Addr() })
	})
}

// putBack undoes the changes of kernel settings that are recorded.
func putBack(sys procSys, record settingsFile) ([]string, error) {
	if record.path == "" {
		return nil, nil
	}
	done, err := director.PutBack(sys, record.Read())
	if err != nil {
		return done, err
	}
	return done, record.Write(nil)
}

func notPermitted(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return api.Errorf(api.CodeDenied, "not permitted to change addresses").WithDetail("%v", err).WithHint("run as root, or with CAP_NET_ADMIN")
	}
	return err
}

// withTable does something to the kernel's table.
func withTable(ctx context.Context, do func(table) (int, error)) (int, error) {
	k, err := ipvs.Open(ipvs.Options{})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	defer func() {
		cancel()
		<-ended
	}()
	return do(k)
}

// empty removes every service from t, says how many there were, and stops the sync daemons: there is nothing left to tell of.
func empty(t table) (int, error) {
	n, err := removeServices(t, func(ipvs.Service) bool { return true })
	if err != nil {
		return n, err
	}
	daemons, err := t.Daemons()
	if err != nil {
		return n, err
	}
	for _, op := range ipvs.PlanDaemons(nil, daemons) {
		if err := t.Do(op); err != nil {
			return n, err
		}
	}
	return n, nil
}

// removeServices removes services from t, each by its name, and says how many there were.
func removeServices(t table, which func(ipvs.Service) bool) (int, error) {
	have, _, err := t.Table()
	if err != nil {
		return 0, err
	}
	going := ipvs.Table{Services: slices.DeleteFunc(slices.Clone(have.Services), func(s ipvs.Service) bool { return !which(s) })}
	return len(going.Services), errors.Join(t.Batch(ipvs.Plan(ipvs.Table{}, going))...)
}

// lift takes the packet rules away and tells whether there were any. A kernel without nftables has none, nor has one that
// rules is nil for.
func lift(rules director.Rules) (bool, error) {
	if rules == nil {
		return false, nil
	}
	have, err := rules.Rules()
	if err != nil || have.Empty() && len(have.Damaged) == 0 {
		return false, nil
	}
	return true, rules.SetRules(ipvs.Rules{})
}
