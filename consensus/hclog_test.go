package consensus

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestRaftLog(t *testing.T) {
	var out bytes.Buffer
	h := slog.NewTextHandler(&out, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})
	l := NewRaftLogger(slog.New(h)).With("peer", "r2")
	tests := []struct {
		name string
		do   func()
		want string
	}{
		{"plain", func() { l.Info("election won", "term", 7) }, `level=INFO msg=raft event="election won" logger=raft peer=r2 term=7`},
		{"lazy values", func() { l.Warn("x", "f", hclog.Fmt("%d of %d", 1, 2), "q", hclog.Quote("a b"), "h", hclog.Hex(255)) },
			`level=WARN msg=raft event=x logger=raft peer=r2 f="1 of 2" q="\"a b\"" h=0xff`},
		{"an error", func() { l.Error("x", "error", errors.New("no")) }, `level=ERROR msg=raft event=x logger=raft peer=r2 error=no`},
		{"an odd value", func() { l.Debug("x", "lost") }, `level=DEBUG msg=raft event=x logger=raft peer=r2 extra=lost`},
		{"below the level", func() { l.Trace("x") }, ``},
		{"named", func() { l.Named("net").Info("x") }, `level=INFO msg=raft event=x logger=raft.net peer=r2`},
		{"as a writer", func() { l.StandardLogger(nil).Print("line") }, `level=INFO msg=raft event=line logger=raft peer=r2`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out.Reset()
			tt.do()
			if got := strings.TrimSpace(out.String()); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	if l.IsTrace() || !l.IsDebug() || l.GetLevel() != hclog.Debug {
		t.Error("the level is not the handler's")
	}
	NewRaftLogger(nil).Error("into silence")
}

func TestProfiles(t *testing.T) {
	for _, p := range Profiles() {
		got, err := ParseProfile(p.Name)
		if err != nil || got != p {
			t.Errorf("%s: %+v, %v", p.Name, got, err)
		}
		if p.RPCTimeout <= p.LeaderLease+2*p.Commit {
			t.Errorf("%s: RPC timeout %v is not above leader lease + 2 commit timeouts", p.Name, p.RPCTimeout)
		}
		if p.LeaderLease > p.H || p.Election < p.H || p.Commit > p.H/5 {
			t.Errorf("%s: %+v", p.Name, p)
		}
	}
	if _, err := ParseProfile("LAN"); err == nil {
		t.Error("an unknown name was accepted")
	}
}
