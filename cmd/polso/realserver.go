package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"polso/agent"
	"polso/api"
	"polso/realserver"
)

const runDir = "/run/polso"

func (a *app) realserverCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "realserver",
		Short: "Prepare this machine, which runs no router, as a real server of dr or tun",
		Example: `  polso realserver setup 192.0.2.10
  polso realserver check
  polso realserver remove`,
	}
	c.AddCommand(a.realserverSetupCmd(), a.realserverCheckCmd(), a.realserverRemoveCmd())
	return c
}

// realserverFlags say what a machine shall be a real server of.
type realserverFlags struct {
	wish           realserver.Wish
	device         string
	method, tunnel string
	outer          string
	ports          ports
	files, servers []string
}

func (f *realserverFlags) register(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.method, "method", string(realserver.DR), "dr, or tun")
	flags.StringVar(&f.tunnel, "tunnel", "", "with tun: ipip (the default), gue or gre")
	flags.Uint16Var(&f.wish.TunnelPort, "tunnel-port", 0, "with gue: the UDP port that the routers send to; 0: 6080, as in a document")
	flags.StringVar(&f.outer, "outer", "", "with tun: ipv4 or ipv6, if the routers reach this machine by the other family than the address's")
	flags.StringArrayVarP(&f.files, "file", "f", nil, "take addresses and methods from a document, for the servers that have an address of this machine")
	flags.StringArrayVar(&f.servers, "server", nil, "with -f: VIRTUAL/SERVER that this machine is, instead; repeat it")
}

// wishes are what arguments and flags ask for: nothing if neither says anything.
func (f *realserverFlags) wishes(a *app, args []string) ([]realserver.Wish, error) {
	if len(f.files) > 0 {
		if len(args) > 0 {
			return nil, usageError{errors.New("addresses come from the document (-f) or from the command line, not from both")}
		}
		wishes, names, err := a.documentWishes(f.files, f.servers)
		f.servers = names
		return wishes, err
	}
	if len(f.servers) > 0 {
		return nil, usageError{errors.New("--server names a server of a document: give it with -f")}
	}
	var wishes []realserver.Wish
	addrs, err := addresses(args)
	if err != nil {
		return nil, err
	}
	for _, addr := range addrs {
		w := f.wish
		w.Address, w.Method, w.Tunnel, w.Outer = addr, realserver.Method(f.method), realserver.Tunnel(f.tunnel), realserver.Family(f.outer)
		if w, err = w.Complete(); err != nil {
			return nil, usageError{err}
		}
		wishes = append(wishes, w)
	}
	return wishes, nil
}

// ports are TCP or UDP ports as given, one at a time.
type ports []uint16

func (p *ports) String() string { return "" }
func (p *ports) Type() string   { return "port" }

func (p *ports) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("want a number from 1 to 65535")
	}
	*p = append(*p, uint16(n))
	return nil
}

func addresses(args []string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, text := range args {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return nil, usageError{fmt.Errorf("%q is no address; want one as 192.0.2.10 or 2001:db8::10, without a length", text)}
		}
		if !slices.Contains(out, addr) {
			out = append(out, addr)
		}
	}
	return out, nil
}

func (a *app) server() realserver.Server {
	return realserver.Server{Host: realserver.Kernel{}, Dir: runDir}
}

// changed is what setup and remove answer scripts.
type changed struct {
	Schema  string       `json:"schema"`
	DryRun  bool         `json:"dry_run"`
	Changes []changeMade `json:"changes"`
	Notes   []string     `json:"notes"`
	Files   []string     `json:"files"`
}

type changeMade struct {
	realserver.Change
	Command string `json:"command"`
}

func changesOf(made []realserver.Change) changed {
	out := changed{Schema: api.Schema, Changes: []changeMade{}, Notes: []string{}, Files: []string{}}
	for _, c := range made {
		out.Changes = append(out.Changes, changeMade{c, c.Command()})
	}
	return out
}

// changes prints what was or would be done, in the words of ip and sysctl.
func (a *app) changes(out changed) error {
	return a.print(out, func(w io.Writer) error {
		for _, c := range out.Changes {
			fmt.Fprintln(w, c.Command)
		}
		a.warn(out.Notes)
		if len(out.Changes) == 0 {
			a.tell("Nothing to do.")
		}
		for _, f := range out.Files {
			a.tell("File: %s", f)
		}
		return nil
	})
}

func (a *app) realserverSetupCmd() *cobra.Command {
	var f realserverFlags
	var dryRun, permanent bool
	c := &cobra.Command{
		Use:   "setup ADDRESS... | -f FILE",
		Short: "Take requests for virtual addresses on this machine, and keep quiet about them",
		Long: `Puts each address on the loopback, keeps this machine from answering ARP for it, and for tunnels brings up what unpacks them, which
gets the address then (IPv4). What is as it must be already stays; what is changed is printed in the words of ip and sysctl, and
recorded, so that remove puts it back. A restart of the machine forgets it: --permanent writes a unit of systemd that does it again.`,
		Example: `  polso realserver setup 192.0.2.10 2001:db8::10
  polso realserver setup 192.0.2.10 --method tun --tunnel gue --tunnel-port 6080
  polso realserver setup -f edge.hcl --server web/a --permanent
  polso realserver setup 192.0.2.10 --dry-run            # only prints the commands`,
		RunE: func(cmd *cobra.Command, args []string) error {
			wishes, err := f.wishes(a, args)
			if err != nil {
				return err
			}
			if len(wishes) == 0 {
				return usageError{errors.New("which virtual addresses? give them, or a document with -f")}
			}
			want := realserver.Want{Wishes: wishes, Device: f.device}
			if dryRun {
				foreseen, err := a.server().Foresee(want)
				if err != nil {
					return realserverError(err)
				}
				out := changesOf(foreseen)
				out.DryRun = true
				if permanent {
					out.Files = realserver.Files(a.filesystem)
				}
				return a.changes(out)
			}
			out, err := a.setup(want)
			if err != nil {
				if len(out.Changes) > 0 {
					a.tell("Tried before it failed; polso realserver remove puts back all but modules:")
					err = errors.Join(a.changes(out), err)
				}
				return realserverError(err)
			}
			if permanent {
				if out.Files, err = a.install(f.again(cmd, args)); err != nil {
					return realserverError(err)
				}
			}
			if err := a.changes(out); err != nil {
				return err
			}
			return a.afterwards(wishes)
		},
	}
	f.register(c)
	c.Flags().StringVar(&f.device, "device", "lo", "the link that gets the addresses (but IPv4 in a tunnel, which goes on its device): lo, or a dummy, made if there is none of that name")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing; print the commands that would")
	c.Flags().BoolVar(&permanent, "permanent", false, "after a restart of the machine too: write "+realserver.UnitName+" and its settings")
	return c
}

// setup does it, and on its way keeps agents and other setups away.
func (a *app) setup(want realserver.Want) (changed, error) {
	lock, err := noRouter()
	if err != nil {
		return changed{}, err
	}
	defer lock.Close()
	done, err := a.server().Setup(want)
	return changesOf(done), err
}

// noRouter refuses on a machine where an agent runs: it puts the addresses on its links itself, and lets go of them.
func noRouter() (io.Closer, error) {
	lock, err := agent.Alone()
	if api.CodeOf(err) == api.CodeRefused {
		return nil, api.Errorf(api.CodeRefused, "a router runs on this machine; it has virtual addresses when it directs, and must not have them otherwise; nothing was changed").
			WithHint("prepare a machine that runs none, or take the router out of its cluster (polso leave) and stop its agent first")
	}
	return lock, err
}

// realserverError says what can be done about an error of the machine's.
func realserverError(err error) error {
	if r, ok := errors.AsType[*realserver.Refusal](err); ok {
		return api.Errorf(api.CodeRefused, "%s; nothing was changed", r.What).WithHint("%s", r.Fix)
	}
	if errors.Is(err, realserver.ErrNotInKernel) {
		return api.Errorf(api.CodeUnsupported, "%v", err).
			WithHint("install the distribution's full kernel (Debian: linux-image-amd64), or use another tunnel or device")
	}
	if errors.Is(err, fs.ErrPermission) && api.CodeOf(err) != api.CodeDenied {
		return api.Errorf(api.CodeDenied, "%v", err).WithHint("run as root")
	}
	return err
}

// afterwards says what is still wrong, which setup does not mend by itself.
func (a *app) afterwards(wishes []realserver.Wish) error {
	m, err := a.server().Host.Observe()
	if err != nil {
		return err
	}
	for _, f := range realserver.Check(wishes, m) {
		if f.Level != realserver.OK {
			a.tell("Warning: %s: %s\n  fix: %s", f.Name, sentence(f.Detail), f.Fix)
		}
	}
	return nil
}

// again are the arguments that say the same at the next start of the machine, when its addresses may not be there yet.
func (f *realserverFlags) again(c *cobra.Command, args []string) ([]string, error) {
	again := slices.Clone(args)
	for _, path := range f.files {
		full, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		again = append(again, "--file="+full)
	}
	for _, name := range f.servers {
		again = append(again, "--server="+name)
	}
	for _, name := range []string{"method", "tunnel", "tunnel-port", "outer", "device"} {
		if flag := c.Flags().Lookup(name); flag.Changed {
			again = append(again, "--"+name+"="+flag.Value.String())
		}
	}
	return again, nil
}

func (a *app) install(args []string, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	files, err := realserver.Install(a.filesystem, binary, args)
	if err == nil {
		a.tell("At every start of the machine from now on: systemctl enable %s", realserver.UnitName)
	}
	return files, err
}

func (a *app) realserverCheckCmd() *cobra.Command {
	var f realserverFlags
	var hints bool
	c := &cobra.Command{
		Use:   "check [ADDRESS... | -f FILE]",
		Short: "Whether this machine is fit to be a real server, each fault with its remedy",
		Long: `Looks at what setup made, or at the addresses that are given, whoever set them up. The answer is 3 when something fails; a warning is
about what cannot be seen from here. With --port, or a document, it also connects to the service. Needs no privileges.`,
		Example: `  polso realserver check
  polso realserver check 192.0.2.10 --port 80 --port 443
  polso realserver check 192.0.2.10 --method tun -o json
  polso realserver check -f edge.hcl`,
		RunE: func(cmd *cobra.Command, args []string) error {
			wishes, err := f.wishes(a, args)
			if err != nil {
				return err
			}
			if len(wishes) == 0 {
				if wishes, err = a.setUp(); err != nil {
					return err
				}
			}
			for i := range wishes {
				wishes[i].Services = append(wishes[i].Services, f.ports...)
			}
			return a.check(cmd.Context(), wishes, hints)
		},
	}
	f.register(c)
	c.Flags().Var(&f.ports, "port", "a TCP port on which a service must accept connections to the addresses; repeat it")
	c.Flags().BoolVar(&hints, "fix-hints", true, "print the remedy below each finding")
	return c
}

// setUp is what was set up here.
func (a *app) setUp() ([]realserver.Wish, error) {
	r, err := a.server().Record()
	if err != nil {
		return nil, realserverError(err)
	}
	if len(r.Wishes) == 0 {
		return nil, api.Errorf(api.CodeNotFound, "nothing was set up here by polso realserver").
			WithHint("name the addresses: polso realserver check 192.0.2.10 [--method tun], or polso realserver check -f FILE")
	}
	return r.Wishes, nil
}

func (a *app) check(ctx context.Context, wishes []realserver.Wish, hints bool) error {
	m, err := a.server().Host.Observe()
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	out := api.Findings{Schema: api.Schema, Node: host}
	failed := false
	for _, f := range append(realserver.Check(wishes, m), realserver.Services(ctx, wishes, m)...) {
		failed = failed || f.Level == realserver.Fail
		out.Findings = append(out.Findings, api.Finding{Name: f.Name, Level: string(f.Level), Detail: f.Detail, Fix: f.Fix})
	}
	if err := a.print(out, func(w io.Writer) error { return a.findings(w, out, hints) }); err != nil {
		return err
	}
	if failed {
		return status(exitDegraded)
	}
	return nil
}

func (a *app) realserverRemoveCmd() *cobra.Command {
	var dryRun, permanent bool
	c := &cobra.Command{
		Use:   "remove [ADDRESS...]",
		Short: "Put back what setup changed on this machine",
		Long: `Takes away the addresses that setup put here, or the given ones of them; with the last one settings and tunnel devices become what
they were. What somebody else has changed since is left, and named. Connections to the addresses end.`,
		Example: `  polso realserver remove
  polso realserver remove 192.0.2.10
  polso realserver remove --permanent                    # the unit of systemd too
  polso realserver remove --dry-run`,
		RunE: func(cmd *cobra.Command, args []string) error {
			only, err := addresses(args)
			if err != nil {
				return err
			}
			if dryRun {
				foreseen, notes, err := a.server().ForeseeRemoval(only)
				if err != nil {
					return realserverError(err)
				}
				out := changesOf(foreseen)
				out.DryRun, out.Notes = true, append(out.Notes, notes...)
				return a.changes(out)
			}
			out, err := a.takeAway(only)
			if err != nil {
				return realserverError(err)
			}
			if permanent {
				if out.Files, err = realserver.Uninstall(a.filesystem); err != nil {
					return realserverError(err)
				}
			}
			return a.changes(out)
		},
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing; print the commands that would")
	c.Flags().BoolVar(&permanent, "permanent", false, "remove "+realserver.UnitName+" and its settings too")
	return c
}

func (a *app) takeAway(only []netip.Addr) (changed, error) {
	lock, err := agent.Alone()
	if err != nil {
		return changed{}, err
	}
	defer lock.Close()
	done, notes, err := a.server().Remove(only)
	out := changesOf(done)
	out.Notes = append(out.Notes, notes...)
	return out, err
}
