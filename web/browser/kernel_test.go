package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"polso/lab"
	"polso/lab/boot"
)

const (
	ready    = 4 * time.Minute  // for an emulated machine to boot and three routers to form
	takeover = 20 * time.Second // until the page shows the new director
	silence  = 10 * time.Second // of the client, meanwhile
)

// The director of routers that balance with a real kernel is killed under traffic, while somebody watches at another one from a machine
// that reaches them through a forwarded port. The kernel is this machine's if it can balance, else that of an emulated one, which has
// no room for a browser.
func TestRealKernel(t *testing.T) {
	if os.Getenv("POLSO_WEB_LAB") == "" {
		t.Skip("boots a kernel with IPVS: run `make web-lab`")
	}
	s := openStage(t)
	scene := s.ready()
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(caFile, []byte(scene.CA), 0o644))
	var standby string
	for name := range scene.Routers {
		if name != scene.Director {
			standby = name
		}
	}
	at := func(path string) string { return "https://" + scene.Routers[standby] + ":3636" + path }
	b := newTab(t, startBrowser(t, caFile, chromedp.ProxyServer("http://"+s.at.String())))
	b.width(1280)

	b.step("sign in", func() {
		b.open(at("/virtuals"))
		b.signIn("operator", password)
		b.goes("Add the first one")
	})
	b.step("add a virtual with two servers", func() {
		b.fill("name", "web")
		b.fill("address", scene.Virtual)
		b.fill("port", "80")
		b.fill("scheduler", "rr")
		b.fill("forward", "dr")
		b.fill("real servers", fmt.Sprintf("a %s\nb %s", scene.Servers["a"], scene.Servers["b"]))
		b.goes("Show the plan")
		b.sees("What each router would do")
		b.goes("Apply")
		b.sees("Revision 2 runs")
		s.do(http.MethodPost, "/calm", nil)
		b.open(at("/virtuals/web"))
		b.state("s/web/a/state", "UP")
		b.state("s/web/b/state", "UP")
		b.until(scene.Director+" directs", `name => document.querySelector('[data-k="active"]')?.innerText === name`, scene.Director)
		script[bool](b, "window.mine = true")
	})
	b.step("see traffic on both servers", func() { s.balanced(b) })
	b.step("see it grow", func() {
		before := figureOf(b, "v/web/cps")
		s.do(http.MethodPost, "/busy", nil)
		b.until("twice as many connections", `(key, least) => parseFloat(document.querySelector('[data-k="' + key + '"]').innerText) > least`, "v/web/cps", 2*before)
		s.balanced(b)
		t.Logf("connections a second on the page: %.1f, then %.1f", before, figureOf(b, "v/web/cps"))
	})
	var next string
	b.step("kill the director while watching", func() {
		var killed string
		began := time.Now()
		s.do(http.MethodPost, "/kill", &killed)
		if killed != scene.Director {
			b.Fatalf("%s directed, not %s any more", killed, scene.Director)
		}
		b.until("another director", `old => {
			const active = document.querySelector('[data-k="active"]').innerText;
			return window.mine === true && active !== old && /^r\d$/.test(active);
		}`, killed)
		took := time.Since(began)
		b.complaints("status of 50") // what the page asked for while nobody led
		next = b.text(`[data-k="active"]`)
		b.Logf("the page at %s shows %s %v after %s was killed", standby, next, took.Round(100*time.Millisecond), killed)
		if took > takeover {
			b.Errorf("that took %v, want at most %v", took, takeover)
		}
	})
	b.step("traffic goes on", func() {
		var seen seen
		must(b.T, lab.Eventually(b.ctx, patience, func(context.Context) error {
			s.do(http.MethodGet, "/client", &seen)
			if seen.Seconds-seen.Gap < 3 || seen.Servers["a"] == 0 || seen.Servers["b"] == 0 {
				return fmt.Errorf("the client has seen %+v since", seen)
			}
			return nil
		}))
		b.complaints("status of 50") // what it asked for then may have been answered since
		b.Logf("the client's longest silence: %.1f s", seen.Gap)
		if seen.Gap > silence.Seconds() {
			b.Errorf("the client had no answer for %.1f s, want at most %v", seen.Gap, silence)
		}
		s.balanced(b)
		if !script[bool](b, "window.mine === true") {
			b.Error("the page was loaded again")
		}
	})
	b.step("what is told of it", func() {
		b.open(at("/monitoring"))
		b.state("vip/"+lab.WebVIP.String()+"/on", strings.ToUpper(next))
		b.sees("failover")
		s.do(http.MethodPost, "/back", nil)
		b.state("health", "HEALTHY")
		if got := b.text(`[data-k="active"]`); got != next {
			b.Errorf("%s directs since %s is back, want %s", got, scene.Director, next)
		}
	})
}

// figureOf is a live number of the page.
func figureOf(b *tab, key string) float64 {
	b.Helper()
	n, err := strconv.ParseFloat(b.text(fmt.Sprintf("[data-k=%q]", key)), 64)
	must(b.T, err)
	return n
}

// stage is a cluster in the laboratory, with a client that asks it when it is told to: lab/stage.
type stage struct {
	*testing.T
	at   netip.AddrPort // through it we are where the client is, and there it does what it is told
	over <-chan struct{}
}

// seen is what the client has seen since the last act.
type seen struct {
	Seconds  float64
	Answered int
	Servers  map[string]int
	Gap      float64
}

// scene is who is there.
type scene struct {
	CA, Director, Virtual string
	Routers, Servers      map[string]string
}

// openStage begins to build it. It ends with the test; a failed one keeps the routers' logs.
func openStage(t *testing.T) *stage {
	t.Helper()
	root, err := filepath.Abs("../..")
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	at := l.Addr().(*net.TCPAddr).AddrPort()
	must(t, l.Close())
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	s := &stage{T: t, at: at, over: over}
	said := &notes{}
	go func() {
		defer close(over)
		status, err := boot.Run(ctx, boot.Options{
			Command:  []string{".lab/bin/stage", "--polso", ".lab/bin/polso", "--password", password},
			Dir:      root,
			Forwards: []boot.Forward{{From: at, To: 8080}},
			Stdout:   said, Stderr: said,
		})
		fmt.Fprintf(said, "the stage ended: status %d, %v\n", status, err)
	}()
	t.Cleanup(func() {
		if t.Failed() {
			var where string
			if s.ask(http.MethodPost, "/keep", &where) == nil {
				t.Logf("routers' logs: %s", where)
			}
		}
		cancel()
		<-over
		if t.Failed() {
			t.Log(said)
		}
	})
	return s
}

// ready waits for it.
func (s *stage) ready() (now scene) {
	s.Helper()
	began := time.Now()
	for {
		err := s.ask(http.MethodGet, "/", &now)
		if err == nil {
			s.Logf("there after %v", time.Since(began).Round(time.Second))
			return now
		}
		select {
		case <-s.over:
			s.Fatal("there is no stage")
		case <-time.After(500 * time.Millisecond):
		}
		if time.Since(began) > ready {
			s.Fatalf("not there within %v: %v", ready, err)
		}
	}
}

// do has it do something.
func (s *stage) do(method, path string, answer any) {
	s.Helper()
	must(s.T, s.ask(method, path, answer))
}

func (s *stage) ask(method, path string, answer any) error {
	req, err := http.NewRequest(method, "http://"+s.at.String()+path, nil)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, text)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

// balanced waits until the page shows what the client sees: as many connections a second as it makes, more or less, on both servers.
func (s *stage) balanced(b *tab) {
	b.Helper()
	must(b.T, lab.Eventually(b.ctx, patience, func(context.Context) error {
		var seen seen
		if err := s.ask(http.MethodGet, "/client", &seen); err != nil {
			return err
		}
		made, shown := float64(seen.Answered)/seen.Seconds, figureOf(b, "v/web/cps")
		if made == 0 || shown < made/2 || shown > made*2 {
			return fmt.Errorf("the client is answered %.1f times a second, the page shows %.1f connections", made, shown)
		}
		for _, server := range []string{"a", "b"} {
			if figureOf(b, "s/web/"+server+"/cps") == 0 || figureOf(b, "s/web/"+server+"/inactive") == 0 {
				return fmt.Errorf("the page shows no connections to %s", server)
			}
		}
		return nil
	}))
}

// notes are what somebody else says meanwhile.
type notes struct {
	mu   sync.Mutex // guards below
	text bytes.Buffer
}

// Write implements io.Writer.
func (n *notes) Write(text []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(text)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}
