package health

import "syscall"

// ipBindAddressNoPort is IP_BIND_ADDRESS_NO_PORT (ip(7)), which both families take; syscall lacks it.
const ipBindAddressNoPort = 24

// bindLate leaves the choice of the port to connect, so that one port serves towards many targets. Bound at once, each port is
// taken from all of them until it leaves TIME_WAIT: some 470 probes a second, and then none from that address.
func bindLate(_, _ string, c syscall.RawConn) error {
	var err error
	if refused := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, ipBindAddressNoPort, 1)
	}); refused != nil {
		return refused
	}
	return err
}
