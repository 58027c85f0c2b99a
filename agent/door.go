package agent

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"polso/api"
	"polso/consensus/wire"
)

// WebPort is the port of the HTTPS listener where an address names none.
const WebPort = "3636"

// door is the HTTPS listener: the same interface as on the socket, and the pages of the browser, for who says who they are. It is there
// as long as the agent is, whatever cluster that enters and leaves.
type door struct {
	a       *Agent
	sockets []net.Listener // none: it is switched off
	shown   shown
}

// openDoor listens where the options say. It answers nobody yet.
func openDoor(ctx context.Context, a *Agent) (*door, error) {
	d := &door{a: a, shown: shown{a: a}}
	var err error
	if d.sockets, err = wire.Sockets(ctx, "--api", a.o.API...); err != nil {
		return nil, api.Errorf(api.CodeRefused, "https: %v", err).WithHint("--api none does without the browser interface and the command line from elsewhere")
	}
	return d, nil
}

// close shuts a door that is not run.
func (d *door) close() {
	for _, s := range d.sockets {
		s.Close()
	}
}

// addresses are those that it listens at.
func (d *door) addresses() []string {
	out := []string{}
	for _, s := range d.sockets {
		out = append(out, s.Addr().String())
	}
	return out
}

// What a client may take of the door's time and memory. A body and an answer may be large and long: each piece of them has its own time.
const (
	headerTime = 10 * time.Second // also of the handshake
	idleTime   = 2 * time.Minute
	bodyTime   = 2 * time.Minute
	writeTime  = 30 * time.Second // of one piece of an answer
	maxHeader  = 16 << 10         // bytes
	maxStrange = 64 << 10         // bytes of a body, of who has not said who they are
	maxBody    = api.MaxSnapshot  // of the others

	doorConnections = 512 // open at a time
	doorPerAddress  = 64  // of one address
)

// run answers until ctx ends.
func (d *door) run(ctx context.Context) error {
	if len(d.sockets) == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	handler, err := d.handler()
	if err != nil {
		d.close()
		return err
	}
	srv := &http.Server{
		Handler: handler, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: d.shown.certificate},
		ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx }, // what is followed ends with the agent
		// Anybody can provoke a line.
		ErrorLog: slog.NewLogLogger(d.a.log.With("part", "https").Handler(), slog.LevelDebug),
	}
	defer shutWith(ctx, srv)()
	crowd := &crowd{total: doorConnections, perAddress: doorPerAddress}
	g, listening := errgroup.WithContext(ctx)
	for _, s := range d.sockets {
		g.Go(func() error {
			if err := srv.ServeTLS(crowd.limit(s), "", ""); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("https: %w", err)
			}
			return nil
		})
	}
	g.Go(func() error { return d.shown.follow(listening) })
	return g.Wait()
}
