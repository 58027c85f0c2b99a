package health

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"polso/program"
)

// askScript runs the check's command, without a shell, with the target's address and port for %h and %p. Exit status 0 is up, 1 is
// down, and 2 to 255 up with a weight of 2 less, as with keepalived's MISC_CHECK. With an expectation the status has to be 0
// and what was printed, without its last line end, the text that is expected (the whole of it, as with nanny's send_program),
// or match its expression. The first line of what was printed becomes the reason.
//
// The command runs as program says, with no input.
func askScript(ctx context.Context, p prober, t Target) answer {
	var out head
	run := operators(t, &out)
	p.step("run "+strings.Join(run.Command, " "), nil)
	ended, err := run.Run(ctx)
	p.step("printed", out.kept)
	line, _, _ := strings.Cut(strings.TrimSpace(string(out.kept)), "\n")
	if line = strings.ToValidUTF8(strings.TrimSpace(line), "?"); line != "" {
		line = ", " + short(line)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return answer{Err: err}
	case err != nil:
		return answer{Err: fmt.Errorf("on this router: %w", err)}
	case !ended.Exited():
		return answer{Words: "ended by " + ended.String() + line}
	case t.Check.Expect != "":
		return p.printed(ended.ExitCode(), out.kept, t.Check.Expect)
	}
	code := ended.ExitCode()
	a := answer{OK: code != 1, Words: "exit " + strconv.Itoa(code) + line}
	if code > 1 {
		a.Advice = Advice{Kind: Absolute, Value: code - 2}
	}
	return a
}

// printed judges by what the command printed.
func (p prober) printed(code int, printed []byte, words string) answer {
	want, err := p.expect(words)
	text := []byte(strings.TrimRight(string(printed), "\r\n"))
	switch {
	case err != nil:
		return answer{Err: err}
	case code != 0:
		return answer{Words: fmt.Sprintf("exit %d, printed %s", code, said(text))}
	case len(text) == 0 && !want.met(text):
		return answer{Words: "exit 0, printed nothing, which is not expected"}
	case !want.met(text), want.pattern == nil && len(want.prefix) > 0 && len(text) != len(want.prefix):
		return answer{Words: "printed " + said(text) + ", which is not expected"}
	default:
		return answer{OK: true, Words: "printed " + said(text)}
	}
}

// operators is the check's program with the target's address and port.
func operators(t Target, out *head) program.Program {
	target := strings.NewReplacer("%h", t.Addr.Addr().Unmap().String(), "%p", strconv.Itoa(int(t.Addr.Port())))
	args := make([]string, len(t.Check.Command))
	for i, word := range t.Check.Command {
		args[i] = target.Replace(word)
	}
	return program.Program{Command: args, User: t.Check.User, Output: out}
}

// head keeps the first maxAnswer bytes of what a program prints.
type head struct{ kept []byte }

func (h *head) Write(b []byte) (int, error) {
	h.kept = append(h.kept, b[:min(len(b), maxAnswer-len(h.kept))]...)
	return len(b), nil
}
