package agent

import (
	"errors"
	"syscall"

	"polso/api"
)

// disk is what raft's writes tell of the disk under the data directory; a Problem without a Why: they succeed.
func (m *member) disk(dir string) api.Problem {
	return diskProblem(m.node.Refuses(), m.node.Stats().Stalled, dir)
}

// diskProblem says it in words: refuses is why the last write failed, hangs that one does not end.
func diskProblem(refuses error, hangs bool, dir string) api.Problem {
	p := api.Problem{What: "disk"}
	switch {
	case refuses != nil:
		p.Why = refuses.Error() + "; the router follows and votes as far as it can, but does not lead"
		p.Fix = "`dmesg` tells of a failing disk: replace it; a write is tried again every second"
		if errors.Is(refuses, syscall.ENOSPC) || errors.Is(refuses, syscall.EDQUOT) {
			p.Fix = "make room where " + dir + " lies (`df -h " + dir + "`); a write is tried again every second"
		}
	case hangs:
		p.Why = "a write to the log store hangs; the router does not lead"
		p.Fix = "`dmesg` tells why; it goes on by itself when the disk does"
	}
	return p
}
