package ipvs

import (
	"context"
	"log/slog"
	"time"
)

// Options are what Open needs to know. The zero value is the process's own network namespace, a call's time of five
// seconds, modprobe, and silence.
type Options struct {
	NetNS    string        // path of a network namespace; "" is the process's. Another one takes CAP_SYS_ADMIN to enter.
	Timeout  time.Duration // bounds each exchange with the kernel and each wait for Run; 0 means 5 s
	Modprobe Modprobe      // nil runs the program modprobe
	Log      *slog.Logger  // nil is silence
}

// Modprobe loads a kernel module, such as "ip_vs_mh".
type Modprobe func(ctx context.Context, module string) error

// defaultTimeout bounds an exchange unless Options say otherwise. A kernel answers in microseconds; a table is an exchange for each
// service, a thousand of which took more than this together under emulation.
const defaultTimeout = 5 * time.Second
