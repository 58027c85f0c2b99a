package agent

import (
	"errors"
	"fmt"
	"io"
	"net"

	"golang.org/x/sys/unix"

	"polso/api"
)

// aloneName is an abstract unix socket: its name belongs to the network namespace (unix(7)) and goes with the process.
const aloneName = "@polso-agent"

// alone makes this process the one that touches the addresses and the IPVS table of its network namespace, until it closes
// what it is given. Two agents there would each take the other's addresses for a dead one's.
func alone() (io.Closer, error) {
	l, err := net.Listen("unix", aloneName)
	if errors.Is(err, unix.EADDRINUSE) {
		return nil, api.Errorf(api.CodeRefused, "an agent runs in this network namespace already").
			WithHint("stop it first; `ss -xlp src %s` shows its process", aloneName)
	}
	if err != nil {
		return nil, fmt.Errorf("lock of the network namespace: %w", err)
	}
	return l, nil
}
