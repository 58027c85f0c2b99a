// Package lab is a load-balancer cluster on one machine: routers, real servers and a client in network namespaces on two
// bridged segments, traffic that measures what a client loses, an observer that asks the segment who answers for an
// address, and the faults of a machine room. Scenarios, the demonstration and the benchmark are built from it.
//
// It needs root and a kernel with IPVS; tools/labvm finds or boots one. It touches nothing outside its own namespaces.
package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Options says what to build. The zero value is three routers, three real servers beside them and two behind them.
type Options struct {
	Routers    int      // r1, r2, …; default 3
	Witnesses  int      // w1, w2, …: one link, no privileges, no IPVS
	Beside     []string // real servers on the routers' own segment (direct routing); default a, b, c
	Behind     []string // real servers on the inner segment, whose gateway moves with the director (NAT); default na, nb
	Binary     string   // the polso binary that Start runs
	Dir        string   // data directories and logs; default a new folder below $TMPDIR, removed by Close
	Artifacts  string   // where KeepLogs copies the routers' logs; default $POLSO_LAB_ARTIFACTS
	AgentFlags []string // further flags for every agent
	TwoPaths   bool     // the routers are each other's peers on both segments, not on the outer one alone
	DiskSize   int64    // bytes of a file system for each router's data directory, which StallDisk and FillDisk need; 0: none of its own
}

// Lab is a built laboratory. Its methods may be called by one goroutine at a time unless they say otherwise.
type Lab struct {
	Client    *Node // where traffic comes from
	Observer  *Node // a station on both segments that is nobody's peer
	Routers   []*Router
	Witnesses []*Router
	Servers   map[string]*Server

	options Options
	dir     string
	ownDir  bool
	fabric  *Node // holds the bridges
	nodes   []*Node
}

// The addresses of the laboratory. Hosts have the same last number in every subnet they are in.
var (
	WebVIP   = netip.MustParseAddr("10.9.0.50") // put on the loopback of the servers beside: direct routing
	WebVIP6  = netip.MustParseAddr("fd09::50")
	NATVIP   = netip.MustParseAddr("10.9.0.51") // on no server: masquerading
	NATVIP6  = netip.MustParseAddr("fd09::51")
	Gateway  = netip.MustParseAddr("10.9.1.1") // the inner address that moves with the director
	Gateway6 = netip.MustParseAddr("fd09:1::1")
)

// Bridges of the two segments, and the hosts' numbers in them.
const (
	outer, inner = "br0", "br1"

	clientHost, observerHost              = 100, 200
	firstRouter, firstBeside, firstBehind = 11, 21, 31
	firstWitness                          = 15
	httpPort, echoPort                    = 80, 7000
	startupTimeout, shutdownTimeout       = 20 * time.Second, 10 * time.Second
)

// New builds the laboratory: every node up, every real server answering, no router's agent running yet. Close it whatever
// happens after.
func New(ctx context.Context, o Options) (l *Lab, err error) {
	if o.Routers == 0 {
		o.Routers = 3
	}
	if o.Beside == nil {
		o.Beside = []string{"a", "b", "c"}
	}
	if o.Behind == nil {
		o.Behind = []string{"na", "nb"}
	}
	if o.Artifacts == "" {
		o.Artifacts = os.Getenv("POLSO_LAB_ARTIFACTS")
	}
	l = &Lab{options: o, dir: o.Dir, Servers: make(map[string]*Server)}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
			l = nil
		}
	}()
	if l.dir == "" {
		if l.dir, err = os.MkdirTemp("", "lab-"); err != nil {
			return l, err
		}
		l.ownDir = true
	}
	if err := l.buildSwitch(ctx); err != nil {
		return l, fmt.Errorf("switch: %w", err)
	}
	if l.Client, err = l.addNode(ctx, "client", clientHost, outer); err != nil {
		return l, err
	}
	if l.Observer, err = l.addNode(ctx, "observer", observerHost, outer, inner); err != nil {
		return l, err
	}
	for i := range o.Routers {
		r, err := l.addRouter(ctx, fmt.Sprintf("r%d", i+1), firstRouter+i)
		if r != nil {
			l.Routers = append(l.Routers, r) // Close takes away what there is of it
		}
		if err != nil {
			return l, err
		}
	}
	for i := range o.Witnesses {
		w, err := l.addWitness(ctx, fmt.Sprintf("w%d", i+1), firstWitness+i)
		if err != nil {
			return l, err
		}
		l.Witnesses = append(l.Witnesses, w)
	}
	for i, name := range o.Beside {
		if err := l.addServer(ctx, name, firstBeside+i, outer); err != nil {
			return l, err
		}
	}
	for i, name := range o.Behind {
		if err := l.addServer(ctx, name, firstBehind+i, inner); err != nil {
			return l, err
		}
	}
	return l, nil
}

// Close ends every process and takes every namespace down. It may be called more than once.
func (l *Lab) Close() error {
	var errs []error
	for _, r := range l.Routers {
		if r.disk != nil {
			errs = append(errs, r.disk.resume()) // what hangs on it does not end
		}
	}
	for _, r := range l.members() {
		errs = append(errs, r.shutdown())
		if r.disk != nil {
			errs = append(errs, r.disk.close())
		}
	}
	for _, s := range l.Servers {
		s.Down()
	}
	for _, n := range l.nodes {
		errs = append(errs, n.close())
	}
	l.Routers, l.Witnesses, l.Servers, l.nodes = nil, nil, nil, nil
	if l.ownDir {
		errs = append(errs, os.RemoveAll(l.dir))
	}
	return errors.Join(errs...)
}

// members are the nodes that run an agent, the routers first.
func (l *Lab) members() []*Router { return slices.Concat(l.Routers, l.Witnesses) }

// KeepLogs copies every router's and witness's log into a folder of that name below the artifacts folder and says where; "" if there is
// no such folder.
func (l *Lab) KeepLogs(name string) (string, error) {
	if l.options.Artifacts == "" {
		return "", nil
	}
	to := filepath.Join(l.options.Artifacts, name)
	if err := os.MkdirAll(to, 0o755); err != nil {
		return "", err
	}
	var errs []error
	for _, r := range l.members() {
		text, err := os.ReadFile(r.logPath())
		if errors.Is(err, fs.ErrNotExist) {
			continue // nothing has run there
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, r.Name+".log"), text, 0o644)
		}
		errs = append(errs, err)
	}
	return to, errors.Join(errs...)
}

// Router finds a router by name; nil if there is none.
func (l *Lab) Router(name string) *Router {
	for _, r := range l.Routers {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// Pause waits; the error is that ctx ended first.
func Pause(ctx context.Context, d time.Duration) error {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-wait.C:
		return nil
	}
}

// How often is asked again: agents seldom, because the question costs them time that is being measured; kernels and
// records in memory often.
const (
	seldom = 250 * time.Millisecond
	often  = 10 * time.Millisecond
)

// Eventually asks four times a second until check says nil, and returns its last error if that takes too long.
func Eventually(ctx context.Context, patience time.Duration, check func(context.Context) error) error {
	return eventually(ctx, seldom, patience, check)
}

func eventually(ctx context.Context, every, patience time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for start := time.Now(); ; {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %v: %w", time.Since(start).Round(time.Millisecond), err)
		case <-tick.C:
		}
	}
}
