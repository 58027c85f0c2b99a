package agent

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"polso/api"
	"polso/consensus/wire"
	"polso/fsm"
)

// Kernel says what stands behind the IPVS table.
type Kernel string

// The kernels.
const (
	RealKernel      Kernel = "real"
	SimulatedKernel Kernel = "simulated" // addresses, ARP and raft are real, the IPVS table is not
	NoKernel        Kernel = "none"      // nothing: the node can only be a witness
)

// Options are this node's own settings.
type Options struct {
	Name       string            // a label; unique in the cluster
	DataDir    string            // 0700, owned by one agent at a time
	Socket     string            // path of the unix socket
	Listen     []string          // ADDR:PORT for the other routers
	Interfaces map[string]string // logical name -> device
	Kernel     Kernel

	API            []string // ADDR:PORT for browsers and the command line from elsewhere (HTTPS); none: it is switched off
	Certificate    string   // a file with the certificate shown there, and what it was issued by, PEM; "": Polso makes one
	Key            string   // and one with its private key, PEM
	FlightRecorder bool     // what the process did last is kept in DataDir when it took over slowly; not with Dev
	Dev            bool     // one node in memory, everything simulated, formed by itself
	Version        api.Version
	Log            *slog.Logger           // nil: silence
	Numbers        []prometheus.Collector // of the process that it runs in: its metrics have them too

	levels      *fsm.Levels                  // a test's build; nil: this one
	passed      func(time.Duration)          // hears how long each of the director's passes took; nil: nobody
	begun       func(*Agent)                 // a test's look inside; nil: none
	openEdges   func(Options) (edges, error) // a test's kernel; nil: this one's, or a simulated one with Dev
	needsKernel bool                         // a router's addresses are put on this kernel's links
}

// maxSocket is the longest path of a unix socket, in bytes (unix(7): sun_path less its NUL).
const maxSocket = 107

var nodeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// OptionsError is what is wrong with Options, everything at once.
type OptionsError struct{ Problems []error }

// Error lists the problems in one line.
func (e *OptionsError) Error() string {
	text := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		text[i] = p.Error()
	}
	return strings.Join(text, "; ")
}

// check fills in what is not said and refuses what cannot be.
func (o Options) check() (Options, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.levels == nil {
		o.levels = new(fsm.ThisBuild())
	}
	if o.Kernel == "" {
		o.Kernel = RealKernel
	}
	switch {
	case o.openEdges != nil:
	case o.Dev:
		o.openEdges = simulate
	default:
		o.openEdges, o.needsKernel = openKernel, true
	}
	var errs []error
	if !nodeName.MatchString(o.Name) {
		errs = append(errs, fmt.Errorf("name %q: use letters, digits, '.', '-' and '_', at most 63", o.Name))
	}
	if o.Kernel != RealKernel && o.Kernel != SimulatedKernel && o.Kernel != NoKernel {
		errs = append(errs, fmt.Errorf("kernel %q: want real, simulated or none", o.Kernel))
	}
	switch {
	case o.Socket == "":
		errs = append(errs, errors.New("socket: a path is needed"))
	case len(o.Socket) > maxSocket:
		errs = append(errs, fmt.Errorf("socket: %s has %d bytes, and the path of a unix socket at most %d", o.Socket, len(o.Socket), maxSocket))
	}
	o.API = slices.Clone(o.API)
	for i, l := range o.API {
		full, err := withPort(l, WebPort)
		if err != nil {
			errs = append(errs, fmt.Errorf("api: %w", err))
		}
		o.API[i] = full
	}
	if (o.Certificate == "") != (o.Key == "") {
		errs = append(errs, errors.New("api: a certificate and its key go together: api_certificate and api_key"))
	}
	if !o.Dev {
		if o.DataDir == "" {
			errs = append(errs, errors.New("data-dir: a directory is needed"))
		}
		for i, l := range o.Listen {
			full, err := withPort(l, wire.Port)
			if err != nil {
				errs = append(errs, fmt.Errorf("listen: %w", err))
			}
			o.Listen[i] = full
		}
		if len(o.Listen) == 0 {
			o.Listen = []string{":" + wire.Port}
		}
	}
	if len(errs) > 0 {
		return o, &OptionsError{errs}
	}
	return o, nil
}

// withPort completes ADDRESS or ADDRESS:PORT with that port; an empty address stands for all. Names are refused: peers must be found when
// DNS is not.
func withPort(s, port string) (string, error) {
	full, err := wire.Address(s, port)
	if err != nil {
		return "", err
	}
	host, _, err := net.SplitHostPort(full)
	if err != nil {
		return "", err
	}
	if host != "" {
		if _, err := netip.ParseAddr(host); err != nil {
			return "", fmt.Errorf("address %q: %q is not an IP address; names are not looked up, for peers must be found when DNS is not", s, host)
		}
	}
	return full, nil
}

// advertised checks addresses that others are to reach this node at.
func advertised(list []string) ([]string, error) {
	var full []string
	for _, s := range list {
		a, err := withPort(s, wire.Port)
		if err != nil {
			return nil, api.Errorf(api.CodeInvalid, "%v", err).WithHint("give ADDRESS or ADDRESS:PORT, as in 10.9.0.11 or [2001:db8::11]:5390")
		}
		ap, err := netip.ParseAddrPort(a)
		if err != nil || ap.Addr().IsUnspecified() || ap.Addr().IsMulticast() || ap.Port() == 0 {
			return nil, api.Errorf(api.CodeInvalid, "address %q cannot be reached by others", s).
				WithHint("give the router's own address on the network it shares with the other routers")
		}
		full = append(full, a)
	}
	if len(full) == 0 {
		return nil, api.Errorf(api.CodeInvalid, "no address to advertise").WithHint("--advertise ADDRESS")
	}
	return full, nil
}
