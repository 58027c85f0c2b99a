package lab

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The lvs.cf of a Piranha pair serves as it is: imported, applied, asked by a client, with the checks and the gateway that it
// names. The two files are as the pair's tool wrote them, in the laboratory's addresses; eth0 and eth1 are the names that they have
// for the links.
func importedPiranhaPair(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l)
	intranet := Virtual{Name: "intranet", Address: WebVIP, Port: httpPort, Protocol: "tcp", Scheduler: "wlc", Servers: []string{"a", "b", "c"}}
	shop := Virtual{Name: "shop", Address: NATVIP, Port: httpPort, Protocol: "tcp", Servers: []string{"na", "nb"}}
	for _, tt := range []struct {
		file   string
		serves Virtual
	}{
		{"testdata/piranha-direct.cf", intranet},
		{"testdata/piranha-nat.cf", shop},
	} {
		t.Run(tt.serves.Name, func(t *testing.T) {
			on := l.Routers[1]
			document, err := on.Polso(ctx, "import", "lvs.cf", tt.file)
			must(t, err)
			t.Logf("%s:\n%s", tt.file, document)
			must(t, l.Apply(ctx, on, document))
			table, err := l.SameTable(ctx, tableLines(tt.serves))
			must(t, err)
			if want := l.TableOf(tt.serves); table != want {
				t.Errorf("the table is\n%s\nwant\n%s", table, want)
			}
			traffic(t, ctx, l, tt.serves, len(tt.serves.Servers))

			down := l.Servers[tt.serves.Servers[0]]
			down.Down()
			_, err = l.SameTable(ctx, tableLines(tt.serves)-1)
			must(t, err)
			traffic(t, ctx, l, tt.serves, len(tt.serves.Servers)-1)
			must(t, down.Up())
			_, err = l.SameTable(ctx, tableLines(tt.serves))
			must(t, err)

			old, err := l.Active(ctx)
			must(t, err)
			_, _, err = l.Strike(ctx, Killed, old)
			must(t, err)
			_, err = l.Successor(ctx, old, tt.serves.Address)
			must(t, err)
			traffic(t, ctx, l, tt.serves, len(tt.serves.Servers))
			must(t, l.Repair(ctx, Killed, old))
			must(t, l.WaitWhole(ctx))
		})
	}
}

// A router that balances by hand comes under Polso with the connections it has: the agent touches nothing of the table until
// the import of it is applied, and then finds it as the document wants it.
func TestImportedHandMadeTable(t *testing.T) {
	ctx, l := build(t, Options{Binary: product(t), Routers: 1, Beside: []string{"a", "b"}, Behind: []string{}})
	needIPVS(t)
	r, vip := l.Routers[0], netip.AddrPortFrom(WebVIP, echoPort)
	for _, line := range [][]string{
		{"-A", "-t", vip.String(), "-s", "wlc", "-p", "60", "-M", "255.255.255.0"},
		{"-a", "-t", vip.String(), "-r", netip.AddrPortFrom(l.Servers["a"].Addr(Outside), echoPort).String(), "-g", "-w", "2"},
		{"-a", "-t", vip.String(), "-r", netip.AddrPortFrom(l.Servers["b"].Addr(Outside), echoPort).String(), "-g", "-w", "1"},
	} {
		_, err := r.Run(ctx, "ipvsadm", line...)
		must(t, err)
	}
	must(t, r.Batch(ctx, "addr add "+WebVIP.String()+"/32 dev eth0"))
	f, err := StartFlow(ctx, l.Client, vip, 20*time.Millisecond)
	must(t, err)
	before, err := r.Table(ctx)
	must(t, err)

	must(t, r.Start(ctx))
	timing, _ := profile(t)
	must(t, l.Form(ctx, "--profile", timing))
	if got, err := r.Table(ctx); err != nil || got != before {
		t.Errorf("the agent has made of the table\n%s\nof\n%s\n%v", got, before, err)
	}

	saved, err := r.Run(ctx, "ipvsadm", "-S", "-n")
	must(t, err)
	table, imported := filepath.Join(t.TempDir(), "table"), filepath.Join(t.TempDir(), "edge.hcl")
	must(t, os.WriteFile(table, []byte(saved), 0o644))
	document, err := r.Polso(ctx, "import", "ipvsadm", table)
	must(t, err)
	t.Logf("of\n%s\nbecomes\n%s", saved, document)
	must(t, os.WriteFile(imported, []byte(document), 0o644))
	must(t, r.Batch(ctx, "addr del "+WebVIP.String()+"/32 dev eth0"))
	_, err = r.Polso(ctx, "apply", "-f", imported, "--adopt", "--yes", "--wait", "15s")
	must(t, err)
	if got, err := r.Table(ctx); err != nil || got != before {
		t.Errorf("the table is\n%s\nwas\n%s\n%v", got, before, err)
	}
	taken := time.Now()
	must(t, Eventually(ctx, 15*time.Second, func(context.Context) error {
		if err := f.Alive(); err != nil {
			return err
		}
		if time.Since(taken) < 2*time.Second {
			return errors.New("too early to say")
		}
		return nil
	}))
	echoes, gap, err := f.Stop()
	must(t, err)
	t.Logf("the connection to %s lives: %d echoes, longest silence %v", f.Server, echoes, gap.Round(time.Millisecond))
}
