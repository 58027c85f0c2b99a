package health

import (
	"io"
	"net"
	"net/http"
	"testing"

	"polso/config"
)

func TestAgentLine(t *testing.T) {
	percent := func(n int) Advice { return Advice{Kind: Percent, Value: n} }
	for _, tt := range []struct {
		line string
		ok   bool
		want Advice
	}{
		{"75%\n", true, percent(75)},
		{"0%\r\n", true, percent(0)},
		{"150%", true, percent(150)},
		{"up\n", true, percent(100)},
		{"ready", true, percent(100)},
		{"up 50%", true, percent(50)},
		{"ready,up,50%", true, percent(50)},
		{"drain", true, Advice{Kind: DrainAdvice}},
		{"drain 50% up", true, Advice{Kind: DrainAdvice}},
		{"maint # until noon", true, Advice{Kind: DrainAdvice}},
		{"down #disk is full", false, Advice{}},
		{"stopped", false, Advice{}},
		{"failed", false, Advice{}},
		{"up down", false, Advice{}},
		{"up maxconn:30", true, percent(100)},
		{"load:0", true, percent(150)},
		{"load:0.875", true, percent(125)},
		{"load:1", true, percent(100)},
		{"load:2", true, percent(50)},
		{"load:9", true, percent(1)},
		{"load:1e9", true, percent(1)},
		{"load:-1", false, Advice{}},
		{"load:NaN", false, Advice{}},
		{"load:x", false, Advice{}},
		{"-5%", false, Advice{}},
		{"70000%", false, Advice{}},
		{"%", false, Advice{}},
		{"# only a reason", false, Advice{}},
		{"HTTP/1.1 400 Bad Request", false, Advice{}},
		{"UP", false, Advice{}},
	} {
		if got := agentLine(tt.line); got.OK != tt.ok || got.Advice != tt.want || got.OK && got.Err != nil {
			t.Errorf("%q: %+v, want %v %+v", tt.line, got, tt.ok, tt.want)
		}
	}
}

func TestAgent(t *testing.T) {
	agent := config.Check{Kind: config.CheckAgent}
	hurried := config.Check{Kind: config.CheckAgent, Timeout: hasty}
	web := config.Check{Kind: config.CheckAgent, Path: "/agent"}
	says := func(code int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/agent" {
				code = http.StatusNotFound
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, text)
		}
	}
	for _, tt := range []asked{
		{"up", answering(t, greets("75%\n")), agent, true, `agent: said "75%"` + inTime},
		{"in pieces", answering(t, greets("7", "5", "%\nmore")), agent, true, `agent: said "75%"` + inTime},
		{"down with a reason", answering(t, greets("down #disk is full\n")), agent, false, `agent: said "down #disk is full"` + inTime},
		{"garbage", answering(t, greets("\x00\xff\n")), agent, false, `agent: no agent's answer: "\\x00\\xff"` + inTime},
		{"hangs", answering(t, hangs), hurried, false, `agent: no answer within 250ms`},
		{"closes", answering(t, func(net.Conn) {}), agent, false, `agent: closed without an answer` + inTime},
		{"closes after the line", answering(t, func(c net.Conn) { _, _ = io.WriteString(c, "ready") }), agent, true, `agent: said "ready"` + inTime},
		{"for ever", answering(t, floods("spam")), agent, false, `agent: no agent's answer: "spam.*` + inTime},
		{"refused", closed(t), agent, false, `agent: connection refused` + inTime},
		{"by http", serve(t, says(200, "drain\n")), web, true, `agent: said "drain"` + inTime},
		{"by https", serveTLS(t, says(200, "50%")), config.Check{Kind: config.CheckAgent, Path: "/agent", TLS: true, NoVerify: true}, true, `agent: said "50%"` + inTime},
		{"by http with an error", serve(t, says(500, "up\n")), web, false, `agent: answered 500` + inTime},
		{"by http without a word", serve(t, says(200, "")), web, false, `agent: closed without an answer` + inTime},
	} {
		t.Run(tt.name, func(t *testing.T) { t.Parallel(); tt.ask(t) })
	}
}
