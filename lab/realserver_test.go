package lab

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Real servers that `polso realserver` prepares, by direct routing and by tunnels: with the address on the loopback alone they answer for it
// beside the director; after setup, out of the document, they do not, and serve a client by both families.
func TestRealServersByCommand(t *testing.T) {
	both, both6 := web, web6
	both.Servers, both6.Servers = []string{"a", "b"}, []string{"a", "b"}
	ctx, l := formOf(t, Options{Routers: 1, Beside: both.Servers, Behind: []string{}}, both, both6)
	document := filepath.Join(l.dir, "document.hcl") // as it was applied
	watch, err := l.StartWatch(WebVIP)
	must(t, err)
	defer watch.Stop()

	careless := time.Now()
	for _, s := range l.Servers {
		must(t, s.sysctl("net/ipv4/conf/all/arp_ignore", "0", "net/ipv4/conf/all/arp_announce", "0"))
	}
	must(t, Eventually(ctx, 5*time.Second, func(context.Context) error {
		if got := watch.Holders(WebVIP, careless, time.Time{}); len(got) != 3 {
			return fmt.Errorf("without the settings only %v answer for the address", got)
		}
		return nil
	}))
	for _, s := range l.Servers {
		must(t, s.Batch(ctx, "addr del "+WebVIP.String()+"/32 dev lo", "addr del "+WebVIP6.String()+"/128 dev lo"))
	}

	for _, forward := range []string{"dr", "tun"} {
		t.Run(forward, func(t *testing.T) {
			must(t, l.Apply(ctx, l.Routers[0], strings.ReplaceAll(l.Document(both, both6), `"dr"`, fmt.Sprintf("%q", forward))))
			table, err := l.SameTable(ctx, tableLines(both, both6))
			must(t, err)
			if flag := map[string]string{"dr": " -g ", "tun": " -i "}[forward]; strings.Count(table, flag) != 4 {
				t.Errorf("the table has not four servers with%s:\n%s", flag, table)
			}
			for _, s := range l.Servers {
				out, err := s.Run(ctx, l.options.Binary, "realserver", "setup", "-f", document)
				must(t, err)
				t.Logf("%s:\n%s", s.Name, out)
				_, err = s.Run(ctx, l.options.Binary, "realserver", "check", "-f", document)
				must(t, err)
			}
			must(t, l.Client.Batch(ctx, "neigh flush dev eth0"))
			began := time.Now()
			traffic(t, ctx, l, both, 2)
			traffic(t, ctx, l, both6, 2)
			if got := watch.Holders(WebVIP, began, time.Time{}); !slices.Equal(got, []string{"r1"}) {
				t.Errorf("after setup %v answer for the address", got)
			}
			for _, s := range l.Servers {
				_, err := s.Run(ctx, l.options.Binary, "realserver", "remove")
				must(t, err)
				if out, err := s.Run(ctx, l.options.Binary, "realserver", "check", "-f", document); err == nil {
					t.Errorf("%s: after remove check finds nothing wrong:\n%s", s.Name, out)
				}
			}
		})
	}
}
