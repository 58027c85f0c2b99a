package health

import (
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"polso/config"
)

// TestAgentWords: what an agent says means here what it means to haproxy, which asks the same agent. It has to be asked for: `make
// servers`, as root.
func TestAgentWords(t *testing.T) {
	if os.Getenv("POLSO_SERVERS") == "" || os.Geteuid() != 0 {
		t.Skip("POLSO_SERVERS=1 and root start real servers")
	}
	var line atomic.Value
	line.Store("up ready 100%\n")
	agent := answering(t, func(c net.Conn) { _, _ = io.WriteString(c, line.Load().(string)) })
	s := server{
		command: []string{"haproxy", "-db", "-f", "DIR/cfg"},
		files: map[string]string{"cfg": "global\n stats socket DIR/sock\ndefaults\n mode tcp\n timeout client 5s\n timeout connect 5s\n timeout server 5s\n" +
			fmt.Sprintf("listen l\n bind 127.0.0.1:PORT\n server a %s weight 100 agent-check agent-port %d agent-inter 50ms rise 1 fall 1\n", agent, agent.Port())},
	}
	r := s.start(t, newAuthority(t, "ca"))
	check := config.Check{Kind: config.CheckAgent, Timeout: patience}
	for _, tt := range []struct {
		says   string
		status string // haproxy's word, and its weight
		weight string
		ok     bool
		advice Advice
	}{
		{"up ready 100%\n", "no check", "100", true, Advice{Percent, 100}},
		{"75%\n", "no check", "75", true, Advice{Percent, 75}},
		{"up ready 30% maxconn:10\r\n", "no check", "30", true, Advice{Percent, 30}},
		{"150%\n", "no check", "150", true, Advice{Percent, 150}},
		{"drain\n", "DRAIN (agent)", "150", true, Advice{Kind: DrainAdvice}},
		{"ready 100%\n", "no check", "100", true, Advice{Percent, 100}},
		{"maint\n", "MAINT", "100", true, Advice{Kind: DrainAdvice}},
		{"ready\n", "no check", "100", true, Advice{Percent, 100}},
		{"down # disk full\n", "DOWN (agent)", "100", false, Advice{}},
		{"up\n", "no check", "100", true, Advice{Percent, 100}},
		{"stopped # for the night\n", "DOWN (agent)", "100", false, Advice{}},
		{"up,75%\n", "no check", "75", true, Advice{Percent, 75}},
		{"fail\n", "DOWN (agent)", "75", false, Advice{}},
	} {
		line.Store(tt.says)
		if got := Probe(t.Context(), Target{Addr: agent, Check: check}); got.OK != tt.ok || got.Advice != tt.advice {
			t.Errorf("%q: %+v, want %v %+v", tt.says, got, tt.ok, tt.advice)
		}
		want, got := tt.status+" "+tt.weight, ""
		for end := time.Now().Add(20 * time.Second); got != want && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			got = r.haproxySays()
		}
		if got != want {
			t.Errorf("%q: haproxy says %s, want %s", tt.says, got, want)
		}
	}
}

// haproxySays is status and weight of its server a.
func (r *started) haproxySays() string {
	c, err := net.Dial("unix", r.fill.Replace("DIR/sock"))
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	_, _ = io.WriteString(c, "show stat\n")
	read := csv.NewReader(c)
	head, err := read.Read()
	if err != nil {
		return err.Error()
	}
	for {
		row, err := read.Read()
		if err != nil {
			return err.Error()
		}
		of := make(map[string]string)
		for i, name := range head {
			of[name] = row[i]
		}
		if of["svname"] == "a" {
			return of["status"] + " " + of["weight"]
		}
	}
}
