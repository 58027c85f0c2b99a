package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"

	"polso/lab/boot/spec"
)

// pinned has one chain for every hook whose first and last use patch the kernel's code.
const pinned = `
table inet labvm_pin {
  chain prerouting { type filter hook prerouting priority 0; }
  chain input { type filter hook input priority 0; }
  chain forward { type filter hook forward priority 0; }
  chain output { type filter hook output priority 0; }
  chain postrouting { type filter hook postrouting priority 0; }
}
table arp labvm_pin {
  chain input { type filter hook input priority 0; }
  chain output { type filter hook output priority 0; }
}
table netdev labvm_pin {
  chain ingress { type filter hook ingress device "lo" priority 0; }
  chain egress { type filter hook egress device "lo" priority 0; }
}
`

// pin turns on, for good and before there is traffic, the kernel's static branches that the laboratory would turn on and
// off: time stamps on packets and the netfilter hooks. Each switch patches running code, and under qemu's multi-threaded
// emulation a processor may run into the half-patched instruction afterwards and die of it (seen with qemu 7.2: "Oops:
// int3" in __netif_receive_skb_core). In other network namespaces the hooks stay empty.
func pin(s spec.Spec) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, 1) // the socket stays open as long as process 1
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "init: pin:", err)
	}
	path, err := lookPath("nft", s.Env)
	if err != nil {
		return
	}
	cmd := exec.Command(path, "-f", "-")
	cmd.Stdin = strings.NewReader(pinned)
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "init: pin: %v: %s\n", err, bytes.TrimSpace(out))
	}
}
