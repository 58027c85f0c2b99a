package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"polso/config"
	"polso/program"
)

// runCommand runs the block's program with the event in its environment and as JSON on its input.
func runCommand(ctx context.Context, n config.Notify, e Event) (Answer, error) {
	input, err := json.Marshal(e)
	if err != nil {
		return Answer{}, fatal{err}
	}
	var said tail
	ended, err := program.Program{Command: n.Command, User: n.User, Env: environment(e), Input: input, Output: &said}.Run(ctx)
	answer := Answer{Output: string(said.kept)}
	switch {
	case err != nil && ctx.Err() != nil:
		err = fmt.Errorf("killed after %v", n.Timeout)
	case err == nil:
		if answer.Status = ended.String(); !ended.Success() {
			err = errors.New(answer.Status)
		}
	}
	if err != nil {
		return answer, fmt.Errorf("%s: %w%s", n.Command[0], err, said.text())
	}
	return answer, nil
}

// environment is the event's.
func environment(e Event) []string {
	env := []string{"POLSO_EVENT=" + string(e.Kind), "POLSO_AT=" + e.At.UTC().Format(time.RFC3339)}
	for name, value := range map[string]string{"CLUSTER": e.Cluster, "ROUTER": e.Router, "ABOUT": e.About, "VIRTUAL": e.Virtual, "SERVER": e.Server, "ADDRESS": e.Address, "REASON": e.Reason} {
		env = append(env, "POLSO_"+name+"="+strings.ReplaceAll(value, "\x00", ""))
	}
	return env
}

// tail keeps the last bytes of what a command says.
type tail struct{ kept []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.kept = append(t.kept, b...)
	if over := len(t.kept) - outputKept; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(b), nil
}

func (t *tail) text() string {
	if len(t.kept) == 0 {
		return ""
	}
	return fmt.Sprintf(": %q", bytes.TrimSpace(t.kept[max(0, len(t.kept)-outputLog):]))
}
