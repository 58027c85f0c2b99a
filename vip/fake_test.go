package vip_test

import (
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"polso/vip"
	"polso/vip/viptest"
)

func TestFake(t *testing.T) {
	viptest.Run(t, func(t *testing.T, test func(*testing.T, viptest.Bench)) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			clock := func() vip.Instant { return vip.Instant(time.Since(start)) }
			fake := vip.NewFake(clock, vip.Link{Name: "eth0", Up: true}, vip.Link{Name: "eth1", Up: true})
			for _, own := range []string{"192.0.2.2/24", "2001:db8::2/64"} {
				if err := fake.Put(netip.MustParsePrefix(own), "eth0"); err != nil {
					t.Fatal(err)
				}
			}
			test(t, viptest.Bench{Edge: fake, Clock: clock, Link: "eth0", Other: "eth1", Put: fake.Put, Take: fake.Take,
				Claim: func(addr netip.Addr, mac net.HardwareAddr) error {
					fake.Claim(vip.Claim{Addr: addr, MAC: mac, Index: 2})
					return nil
				}})
		})
	})
}
