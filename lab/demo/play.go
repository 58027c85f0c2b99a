package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"polso/lab"
)

const patience = 15 * time.Second

var (
	service = netip.AddrPortFrom(lab.WebVIP, 80)
	virtual = lab.Virtual{Name: "web", Address: lab.WebVIP, Port: 80, Protocol: "tcp", Servers: []string{"a", "b"}}
)

// play is the whole of it.
func (d *demo) play(ctx context.Context, o lab.Options) (err error) {
	d.title("Three routers, two web servers and a client, each a network namespace on one switch")
	l, err := lab.New(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			if where, kerr := l.KeepLogs("demo"); kerr == nil && where != "" {
				d.say("the routers' logs are in %s", where)
			}
		}
		err = errors.Join(err, l.Close())
	}()
	for _, r := range l.Routers {
		d.say("%-7s %s, runs polso agent", r.Name, r.Addr4())
		if err := r.Start(ctx); err != nil {
			return err
		}
	}
	for _, name := range o.Beside {
		d.say("%-7s %s, answers every request with its name", name, l.Servers[name].Addr(lab.Outside))
	}
	d.say("%-7s %s", "client", l.Client.Addr(lab.Outside))

	for _, scene := range []func(context.Context, *lab.Lab) error{d.form, d.replicate, d.balance, d.server, d.failover} {
		if err := scene(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// form makes the cluster.
func (d *demo) form(ctx context.Context, l *lab.Lab) error {
	d.title("One cluster of them: init on the first, join on the others")
	first := l.Routers[0]
	if _, err := d.polso(ctx, first, "init", "--cluster", "demo", "--profile", d.profile, "--advertise", first.Addr4()); err != nil {
		return err
	}
	token, err := d.polso(ctx, first, "token", "create", "--uses", "2")
	if err != nil {
		return err
	}
	for _, r := range l.Routers[1:] {
		if _, err := d.polso(ctx, r, "join", first.Addr4(), "--token", strings.TrimSpace(token), "--advertise", r.Addr4()); err != nil {
			return err
		}
	}
	if err := l.WaitWhole(ctx); err != nil {
		return err
	}
	if _, err := d.polso(ctx, first, "members"); err != nil {
		return err
	}
	active, err := l.Active(ctx)
	if err != nil {
		return err
	}
	d.held("three voters agree, and have elected %s director", active.Name)
	return nil
}

// replicate writes a document on one router and reads it on another.
func (d *demo) replicate(ctx context.Context, l *lab.Lab) error {
	d.title("The document, applied on r2 and read on r3")
	document := l.Document(virtual)
	d.text(document)
	d.say("r2# polso apply -f web.hcl --yes --wait 15s")
	if err := l.Apply(ctx, l.Router("r2"), document); err != nil {
		return err
	}
	got, err := l.Router("r3").Polso(ctx, "show")
	if err != nil {
		return err
	}
	if got != document {
		return fmt.Errorf("r3 shows another document:\n%s", got)
	}
	d.held("r3 shows the same document, byte for byte")
	table, err := l.SameTable(ctx, 3)
	if err != nil {
		return err
	}
	d.say("ipvsadm -S -n, on any of them:")
	d.text(table)
	d.held("the kernels of all three routers have this table")
	return nil
}

// balance sends requests.
func (d *demo) balance(ctx context.Context, l *lab.Lab) error {
	d.title("The client asks http://%s/ a hundred times", lab.WebVIP)
	counts, err := d.ask(ctx, l, 100)
	if err != nil {
		return err
	}
	if counts["a"] == 0 || counts["b"] == 0 {
		return fmt.Errorf("not spread: %v", counts)
	}
	d.held("all answered: a %d times, b %d times", counts["a"], counts["b"])
	return nil
}

// ask sends requests one after the other and counts who answered; one without an answer is an error.
func (d *demo) ask(ctx context.Context, l *lab.Lab, n int) (map[string]int, error) {
	counts := make(map[string]int)
	for i := range n {
		server, err := lab.Fetch(ctx, l.Client, service, 2*time.Second)
		if err != nil {
			return nil, fmt.Errorf("request %d of %d: %w", i+1, n, err)
		}
		counts[server]++
	}
	return counts, nil
}

// server loses a server and gets it back.
func (d *demo) server(ctx context.Context, l *lab.Lab) error {
	d.title("The web server on b is killed")
	l.Servers["b"].Down()
	down := time.Now()
	if _, err := l.SameTable(ctx, 2); err != nil {
		return err
	}
	d.say("every router noticed and took it out of its table after %d ms (a check every %s, two failures)", time.Since(down).Milliseconds(), lab.CheckEvery())
	counts, err := d.ask(ctx, l, 50)
	if err != nil {
		return err
	}
	if counts["a"] != 50 {
		return fmt.Errorf("with b down: %v", counts)
	}
	d.held("50 requests, all answered by a")
	if err := l.Servers["b"].Up(); err != nil {
		return err
	}
	if _, err := l.SameTable(ctx, 3); err != nil {
		return err
	}
	d.held("b is back, and so is its place in the table")
	return nil
}

// failover cuts the director off, with traffic and the observer running, and lets it come back.
func (d *demo) failover(ctx context.Context, l *lab.Lab) error {
	old, err := l.Active(ctx)
	if err != nil {
		return err
	}
	d.title("The director, %s, is cut off from the network while the client asks 50 times a second", old.Name)
	watch, err := l.StartWatch(lab.WebVIP)
	if err != nil {
		return err
	}
	defer watch.Stop()
	client, err := lab.StartProber(l.Client, lab.Traffic{Network: "tcp", To: service})
	if err != nil {
		return err
	}
	defer client.Stop()
	if err := client.WaitAnswer(ctx, time.Now(), patience); err != nil {
		return err
	}
	began, _, err := l.Strike(ctx, lab.CutOff, old)
	if err != nil {
		return err
	}
	next, err := l.Successor(ctx, old, lab.WebVIP)
	if err != nil {
		return err
	}
	d.held("%s has taken over", next.Name)
	if err := client.WaitAnswer(ctx, time.Now().Add(500*time.Millisecond), patience); err != nil {
		return err
	}
	seen := client.Between(began.Add(-50*time.Millisecond), time.Time{})
	d.held("the client is served again; the longest it went without an answer was %d ms", seen.Gap.Milliseconds())
	forms := make(map[lab.ClaimKind]bool)
	for _, s := range watch.Announcements(lab.WebVIP, began, time.Time{}) {
		if s.Node == next.Name {
			forms[s.Kind] = true
		}
	}
	if !forms[lab.GratuitousRequest] || !forms[lab.GratuitousReply] {
		return fmt.Errorf("%s did not announce the address in both forms: %v", next.Name, forms)
	}
	d.held("%s announced the address to the segment, as ARP request and reply", next.Name)
	if _, err := d.polso(ctx, next, "status"); err != nil && lab.ExitStatus(err) != 3 {
		return err
	}

	d.title("%s is plugged in again", old.Name)
	healed := time.Now()
	if err := l.Repair(ctx, lab.CutOff, old); err != nil {
		return err
	}
	if err := l.WaitWhole(ctx); err != nil {
		return err
	}
	s, err := old.Status(ctx, lab.Cluster)
	if err != nil {
		return err
	}
	if s.Active != next.Name {
		return fmt.Errorf("%s sees %q as the director, want %s", old.Name, s.Active, next.Name)
	}
	d.held("%s is back as a backup of %s", old.Name, next.Name)
	if err := client.WaitAnswer(ctx, time.Now().Add(500*time.Millisecond), patience); err != nil {
		return err
	}
	if over := watch.Overlaps(lab.WebVIP, began, time.Time{}); len(over) > 0 {
		return fmt.Errorf("two routers answered for %v at once: %v", lab.WebVIP, over)
	}
	asked := len(watch.Answers(lab.WebVIP, began, time.Time{}))
	d.held("asked about a hundred times a second (%d answers), never did two routers answer for %v together", asked, lab.WebVIP)
	back := client.Between(healed, time.Time{})
	if back.Gap > time.Second {
		return fmt.Errorf("its return was noticed by the client: %v", back)
	}
	d.held("its return went unnoticed: longest silence %d ms", back.Gap.Milliseconds())
	return nil
}
