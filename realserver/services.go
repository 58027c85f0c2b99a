package realserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// patience is how long a service of this machine may take to accept.
const patience = time.Second

// Services asks whether a service of this machine accepts connections to each wish's address and ports: it connects, as long as the address
// is here, for elsewhere the router would answer.
func Services(ctx context.Context, wishes []Wish, m Machine) []Finding {
	var found []Finding
	for _, w := range wishes {
		for _, port := range w.Services {
			if len(m.at(w.Address)) > 0 {
				found = append(found, accepts(ctx, netip.AddrPortFrom(w.Address, port)))
			}
		}
	}
	return found
}

func accepts(ctx context.Context, at netip.AddrPort) Finding {
	name := "service " + at.String()
	d := net.Dialer{Timeout: patience}
	c, err := d.DialContext(ctx, "tcp", at.String())
	if err != nil {
		why := err.Error()
		if errors.Is(err, syscall.ECONNREFUSED) {
			why = "nothing listens there"
		}
		return fail(name, why, fmt.Sprintf("have the service listen on %s, or on every address", at))
	}
	c.Close()
	return ok(name, "accepts connections")
}
