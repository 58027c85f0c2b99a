package vip

import (
	"fmt"
	"syscall"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Renew implements Edge: one message of many requests. The kernel does them before the call that sends them returns, and answers only
// those that it refuses, and the last (netlink(7), NLM_F_ACK).
func (k *Kernel) Renew(list []Site, valid time.Duration) []error {
	errs := make([]error, len(list))
	if len(list) == 0 {
		return errs
	}
	var message []byte
	place := make(map[uint32]int, len(list)) // of a request, by its sequence number
	for i, s := range list {
		flags := unix.NLM_F_REPLACE
		if i == len(list)-1 {
			flags |= unix.NLM_F_ACK
		}
		req := newAddr(s, valid, flags, "") // the kernel keeps the label
		message = append(message, req.Serialize()...)
		place[req.Seq] = i
	}
	told := make([]bool, len(list))
	err := k.with(func(r *route) error {
		if err := unix.Sendto(r.addrs.Socket.GetFd(), message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			return err
		}
		for last := len(list) - 1; !told[last]; {
			answers, from, err := r.addrs.Socket.Receive()
			if err != nil {
				return err
			}
			if from.Pid != nl.PidKernel {
				continue
			}
			for _, a := range answers {
				i, ours := place[a.Header.Seq]
				if !ours || a.Header.Type != unix.NLMSG_ERROR || len(a.Data) < 4 {
					continue
				}
				told[i] = true
				if refusal := int32(nl.NativeEndian().Uint32(a.Data)); refusal != 0 {
					errs[i] = syscall.Errno(-refusal)
				}
			}
		}
		return nil
	})
	if err != nil {
		for i := range errs {
			if !told[i] {
				errs[i] = fmt.Errorf("what the kernel made of it is not known: %w", err)
			}
		}
	}
	return errs
}
