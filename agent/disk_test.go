package agent

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"polso/consensus"
)

func TestDiskProblem(t *testing.T) {
	for _, tt := range []struct {
		name     string
		refuses  error
		hangs    bool
		why, fix string
	}{
		{"well", nil, false, "", ""},
		{"full", fmt.Errorf("%w: write raft.db: %w", consensus.ErrStoreRefuses, syscall.ENOSPC), false, "no space left on device; the router follows", "df -h /d"},
		{"over its quota", syscall.EDQUOT, false, "quota", "df -h /d"},
		{"failing", syscall.EIO, false, "input/output error", "dmesg"},
		{"hanging", nil, true, "hangs", "dmesg"},
		{"failing and hanging", syscall.EIO, true, "input/output error", "dmesg"},
	} {
		p := diskProblem(tt.refuses, tt.hangs, "/d")
		if (p.Why == "") != (tt.why == "") || !strings.Contains(p.Why, tt.why) || !strings.Contains(p.Fix, tt.fix) {
			t.Errorf("%s: %+v", tt.name, p)
		}
	}
}
