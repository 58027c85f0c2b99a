package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"polso/lab"
)

// runner runs rounds in a laboratory, and builds another one after a round that failed.
type runner struct {
	binary, profile string
	lease           time.Duration
	seed            uint64
	faults          []fault
	only            string // as the command line has it, for the line that repeats a round
	progress        io.Writer

	lab     *lab.Lab
	serial  atomic.Int64 // of documents
	usage   map[string]lab.Usage
	drawing bytes.Buffer // of the last round's history, if it was not linearizable
}

// longGap is how many leases long the clients may go without an answer before a round is kept although nothing failed: no
// promise is broken, but somebody will want to know why.
const longGap = 4

// servicePort is where the echo of the laboratory's servers listens.
const servicePort = 7000

// diskSize is of each router's data directory. The product's store and two snapshots are a few MiB.
const diskSize = 64 << 20

// virtuals is the n-th document. The weight of the only server of its virtual server changes nothing for anybody, and shows
// in the kernel's table.
func virtuals(n int) []lab.Virtual {
	return []lab.Virtual{
		{Name: "dns", Address: lab.WebVIP, Port: servicePort, Protocol: "udp", Servers: []string{"a", "b"}},
		{Name: "web6", Address: lab.WebVIP6, Port: 80, Protocol: "tcp", Servers: []string{"a"}},
		{Name: "note", Address: lab.WebVIP, Port: servicePort, Protocol: "tcp", Servers: []string{"a"}, Weights: map[string]int{"a": 1 + n%60000}},
	}
}

func (r *runner) document(n int) string { return r.lab.Document(virtuals(n)...) }
func (r *runner) table(n int) string    { return r.lab.TableOf(virtuals(n)...) }

// open builds a laboratory whose cluster serves.
func (r *runner) open(ctx context.Context) (err error) {
	if _, err := os.Stat("/proc/net/ip_vs"); err != nil {
		return fmt.Errorf("this kernel has no IPVS: %w", err)
	}
	r.usage = make(map[string]lab.Usage)
	r.lab, err = lab.New(ctx, lab.Options{Binary: r.binary, Routers: routers, Beside: []string{"a", "b"}, Behind: []string{}, TwoPaths: true, DiskSize: diskSize})
	if err != nil {
		return err
	}
	for _, router := range r.lab.Routers {
		if err := router.Start(ctx); err != nil {
			return err
		}
	}
	if err := r.lab.Form(ctx, "--profile", r.profile); err != nil {
		return err
	}
	n := int(r.serial.Add(1))
	if err := r.lab.Apply(ctx, r.lab.Routers[0], r.document(n)); err != nil {
		return err
	}
	return r.whole(ctx)
}

func (r *runner) close() error {
	if r.lab == nil {
		return nil
	}
	err := r.lab.Close()
	r.lab = nil
	return err
}

// whole waits until the cluster is.
func (r *runner) whole(ctx context.Context) error {
	return lab.Eventually(ctx, wholeTime, r.lab.WaitWhole)
}

// one runs a round. An error means that no further round makes sense.
func (r *runner) one(ctx context.Context, number int) (result, error) {
	if r.lab == nil {
		if err := r.open(ctx); err != nil {
			return result{}, r.complain(fmt.Errorf("build the laboratory: %w", err))
		}
	}
	t := &trial{runner: r, round: plan(r.seed, number, r.faults, r.lease)}
	err := t.run(ctx)
	if ctx.Err() != nil {
		return result{}, context.Cause(ctx) // what an ended run met is nobody's fault
	}
	if err != nil {
		t.violate("the round could not be carried out: %v", err)
	}
	failed := len(t.result.violations) > 0
	if failed || t.result.gap > longGap*r.lease {
		if t.result.kept, err = r.keep(t); err != nil {
			fmt.Fprintln(r.progress, "faults:", err)
		}
	}
	if failed {
		// The next round must not suffer from this one.
		if err := r.close(); err != nil {
			return t.result, err
		}
	}
	return t.result, nil
}

// complain adds to an error where the routers' logs are.
func (r *runner) complain(err error) error {
	if r.lab == nil {
		return err
	}
	where, kerr := r.lab.KeepLogs(fmt.Sprintf("faults-%d", r.seed))
	return errors.Join(fmt.Errorf("%w (logs: %s)", err, where), kerr)
}

// keep writes down what is needed to understand a round that failed, beside the routers' logs.
func (r *runner) keep(t *trial) (where string, err error) {
	where, err = r.lab.KeepLogs(fmt.Sprintf("faults-%d-round-%03d", r.seed, t.round.number))
	if where == "" {
		return "", errors.Join(errors.New("there is no folder to keep a failing round in: set POLSO_LAB_ARTIFACTS"), err)
	}
	var text strings.Builder
	again := fmt.Sprintf("--seed %d --round %d", r.seed, t.round.number)
	if r.only != "" {
		again += " --only " + r.only
	}
	fmt.Fprintf(&text, "round %d of seed %d, profile %s: %v\nagain: make faults FAULTS=%q\n\n", t.round.number, r.seed, r.profile, t.round, again)
	for _, v := range t.result.violations {
		fmt.Fprintln(&text, "violation:", v)
	}
	fmt.Fprintln(&text, "\nwhat happened, in seconds")
	for _, n := range t.notes {
		fmt.Fprintln(&text, n)
	}
	fmt.Fprintf(&text, "\nrequests, from and to, after revision %d\n", t.was.Revision)
	for _, o := range t.clients.all() {
		fmt.Fprintln(&text, o)
	}
	err = errors.Join(err, os.WriteFile(filepath.Join(where, "round.txt"), []byte(text.String()), 0o644))
	if r.drawing.Len() > 0 {
		err = errors.Join(err, os.WriteFile(filepath.Join(where, "history.html"), r.drawing.Bytes(), 0o644))
	}
	return where, err
}

// goroutines compares the agents that went through all this with fresh ones, in their last words. It ends the laboratory's
// use.
func (r *runner) goroutines(ctx context.Context) (found []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	var old []int
	for _, router := range r.lab.Routers {
		n, err := router.Goroutines(ctx)
		if err != nil {
			return nil, err
		}
		old = append(old, n)
	}
	for _, router := range r.lab.Routers {
		if err := router.Start(ctx); err != nil {
			return nil, err
		}
	}
	if err := r.whole(ctx); err != nil {
		return nil, err
	}
	most := 0
	for _, router := range r.lab.Routers {
		n, err := router.Goroutines(ctx)
		if err != nil {
			return nil, err
		}
		most = max(most, n)
	}
	for i, router := range r.lab.Routers {
		if old[i] > most+moreGoroutines {
			found = append(found, fmt.Sprintf("leak: %s ended with %d goroutines, a fresh agent has %d", router.Name, old[i], most))
		}
	}
	fmt.Fprintf(r.progress, "faults: goroutines at the end: %v; of fresh agents: at most %d\n", old, most)
	return found, nil
}
