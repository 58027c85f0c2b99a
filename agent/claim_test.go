package agent

import (
	"context"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync/atomic"
	"testing"

	"polso/fsm"
	"polso/ipvs"
)

func foreignTable(t *testing.T) *ipvs.Fake {
	t.Helper()
	table := new(ipvs.Fake)
	key := ipvs.AddrKey(ipvs.TCP, netip.MustParseAddrPort("10.0.0.1:80"))
	for _, op := range ipvs.Plan(ipvs.Table{Services: []ipvs.Service{{Key: key, Scheduler: "rr"}}}, ipvs.Table{}) {
		if err := table.Foreign(op); err != nil {
			t.Fatal(err)
		}
	}
	return table
}

func runClaim(t *testing.T, c *claim) {
	t.Helper()
	c.log, c.ring = slog.New(slog.DiscardHandler), func() {}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := waitFor(ctx, is); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func TestClaim(t *testing.T) {
	path := filepath.Join(t.TempDir(), "claimed")
	var state atomic.Pointer[fsm.Snapshot]
	state.Store(&fsm.Snapshot{}) // a process that has heard of nothing yet
	foreign := &claim{path: path, table: foreignTable(t), state: state.Load}
	runClaim(t, foreign)
	state.Store(&fsm.Snapshot{Adopted: 7}) // the log is read: long ago, for other routers
	state.Store(&fsm.Snapshot{Adopted: 7, Known: true})
	eventually(t, "foreign services are seen", foreign.foreign.Load)
	if foreign.own.Load() {
		t.Fatal("foreign services were claimed")
	}
	state.Store(&fsm.Snapshot{Adopted: 9, Known: true})
	eventually(t, "given up, they are claimed", func() bool { return foreign.own.Load() && !foreign.foreign.Load() })

	again := &claim{path: path, table: foreignTable(t), state: state.Load}
	runClaim(t, again)
	eventually(t, "the next process of this boot knows its own", again.own.Load)

	empty := &claim{path: filepath.Join(t.TempDir(), "claimed"), table: new(ipvs.Fake), state: state.Load}
	runClaim(t, empty)
	eventually(t, "an empty table is claimed", empty.own.Load)
}
