package health

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"polso/config"
)

func TestICMP(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs CAP_NET_RAW")
	}
	icmp := config.Check{Kind: config.CheckICMP}
	at := func(addr string) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(addr), 0) }
	hurried := icmp
	hurried.Timeout = hasty
	for _, tt := range []asked{
		{"up", at("127.0.0.1"), icmp, true, `icmp: echo reply` + inTime},
		{"up, mapped", at("::ffff:127.0.0.1"), icmp, true, `icmp: echo reply` + inTime},
		{"up over IPv6", at("::1"), icmp, true, `icmp: echo reply` + inTime},
	} {
		t.Run(tt.name, func(t *testing.T) { t.Parallel(); tt.ask(t) })
	}
	// Nothing answers for 240.0.0.1, and the kernel may have no way there.
	asked{"down", at("240.0.0.1"), hurried, false, `icmp: (no answer within 250ms|.*` + inTime + `)`}.ask(t)
}

// Only the reply to this very request counts: others of the same host are on the same wire.
func TestICMPReply(t *testing.T) {
	for _, to := range []string{"192.0.2.1", "2001:db8::1"} {
		request, reply := echo(netip.MustParseAddr(to))
		_, other := echo(netip.MustParseAddr(to))
		b, err := request.Marshal(nil)
		if err != nil {
			t.Fatal(err)
		}
		if reply.is(b) {
			t.Errorf("%s: the request itself counts", to)
		}
		request.Type = reply.kind
		b, err = request.Marshal(nil)
		if err != nil {
			t.Fatal(err)
		}
		if !reply.is(b) || other.is(b) || reply.is(b[:9]) || reply.is(nil) {
			t.Errorf("%s: %t %t %t %t", to, reply.is(b), other.is(b), reply.is(b[:9]), reply.is(nil))
		}
	}
}

// Many at once do not take each other's replies.
func TestICMPManyAtOnce(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs CAP_NET_RAW")
	}
	results := make(chan Result)
	const many = 64
	for range many {
		go func() {
			results <- Probe(t.Context(), Target{Addr: netip.MustParseAddrPort("127.0.0.1:0"), Check: config.Check{Kind: config.CheckICMP, Timeout: 10 * time.Second}})
		}()
	}
	for range many {
		if got := <-results; !got.OK {
			t.Errorf("%+v", got)
		}
	}
}
