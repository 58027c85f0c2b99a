package health

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// askAgent asks a server what it says of itself: a line over TCP, or with a path the first line of an HTTP answer of 200. The line
// is of HAProxy's agent-check, words between blanks or commas and a reason after #:
//
//	75%                       up, with so much of the document's weight
//	up, ready                 up, with all of it
//	drain, maint              up, but with no new connection
//	down, stopped, failed     down
//	load:0.7                  up, with the weight that nanny would give for that load
//	maxconn:N                 of no account here
//
// Of several words about being up the worst counts. Another word, or none, is no answer.
func askAgent(ctx context.Context, p prober, t Target) answer {
	if t.Check.Path != "" {
		return agentHTTP(ctx, p, t)
	}
	c, s, err := p.connect(ctx, t)
	if err != nil {
		return s.on(answer{Err: err})
	}
	defer c.Close()
	return s.on(firstLine(c))
}

// firstLine judges by the first line of what an agent says.
func firstLine(r io.Reader) answer {
	line, err := bufio.NewReader(io.LimitReader(r, maxAnswer)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return answer{Err: err}
	}
	if strings.TrimSpace(line) == "" {
		return answer{Err: errors.New("closed without an answer")}
	}
	return agentLine(line)
}

// agentLine judges by the line of an agent.
func agentLine(line string) answer {
	words, reason, _ := strings.Cut(line, "#")
	a := answer{Words: "said " + said([]byte(strings.TrimSpace(line)))}
	known := 0
	down, drain := false, false
	weight := Advice{Kind: Percent, Value: 100}
	for _, word := range strings.FieldsFunc(words, func(r rune) bool { return strings.ContainsRune(" \t\r\n,", r) }) {
		known++
		figure, percent := strings.CutSuffix(word, "%")
		load, loaded := strings.CutPrefix(word, "load:")
		switch {
		case word == "up" || word == "ready" || strings.HasPrefix(word, "maxconn:"):
		case word == "drain" || word == "maint":
			drain = true
		case word == "down" || word == "stopped" || word == "failed" || word == "fail":
			down = true
		case percent:
			n, err := strconv.ParseUint(figure, 10, 16)
			if err != nil {
				return answer{Err: fmt.Errorf("%q is no share of a weight", short(word))}
			}
			weight.Value = int(n)
		case loaded:
			l, err := strconv.ParseFloat(load, 64)
			if err != nil || !(l >= 0) || math.IsInf(l, 0) {
				return answer{Err: fmt.Errorf("%q is no load", short(word))}
			}
			weight.Value = nannyShare(l)
		default:
			return answer{Err: fmt.Errorf("no agent's answer: %s", said([]byte(strings.TrimSpace(line))))}
		}
	}
	switch {
	case known == 0:
		return answer{Err: errors.New("no agent's answer: " + said([]byte("#"+strings.TrimSpace(reason))))}
	case down:
		return a
	case drain:
		a.Advice = Advice{Kind: DrainAdvice}
	default:
		a.Advice = weight
	}
	a.OK = true
	return a
}

// nannyShare is the share of the document's weight, in percent, that nanny's load_monitor went to in its first step: half the
// weight times the cube root of how far a load is from 1, more below it and less above. Nanny went on from there at each
// look, to ten times the weight on a server that was idle for long; here a load always means the same.
func nannyShare(load float64) int {
	return max(1, int(math.Round(100+50*math.Cbrt(1-load))))
}
