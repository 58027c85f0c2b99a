package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

	"polso/api"
	"polso/consensus/wire"
)

// Why no member answers is said once, in an operator's words; what the program knows of it is kept apart.
func TestJoinErrorOfNobody(t *testing.T) {
	for want, why := range map[string]error{
		"connection refused": fmt.Errorf("10.9.0.11:5390: %w", &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}),
		"no answer in time":  errors.Join(fmt.Errorf("10.9.0.11:5390: %w", errors.New("EOF")), context.DeadlineExceeded),
		"EOF":                errors.Join(fmt.Errorf("10.9.0.11:5390: %w", errors.New("EOF"))),
	} {
		err := joinError(fmt.Errorf("join: %w: %w; is `polso agent` of a member running there?", wire.ErrUnreachable, why), []string{"10.9.0.11"})
		e, ok := errors.AsType[*api.Error](err)
		if !ok || e.Error() != "no member answers at 10.9.0.11: "+want || !strings.Contains(e.Cause, "join: unreachable: ") || !strings.Contains(e.Hint, "is polso agent") {
			t.Errorf("got %#v, want the reason %q", err, want)
		}
	}
}
