package director

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"polso/config"
)

// page is a Record in memory that outlives its director.
type page struct {
	mu      sync.Mutex // guards below
	changed map[string]Changed
	writes  int
	torn    error
}

func (p *page) Read() map[string]Changed {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.changed)
}

// kept is what is recorded, and in how many steps.
func (p *page) kept() (map[string]Changed, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.changed), p.writes
}

// tear has every Write fail with err; nil: none.
func (p *page) tear(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.torn = err
}

func (p *page) Write(changed map[string]Changed) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.torn != nil {
		return p.torn
	}
	p.changed, p.writes = maps.Clone(changed), p.writes+1
	return nil
}

// forwarder is a kernel that changes other settings with forwarding, as Linux does.
type forwarder struct{ *proc }

func (f forwarder) Write(path, value string) error {
	if err := f.proc.Write(path, value); err != nil {
		return err
	}
	if path == forwarding4 {
		f.put("net/ipv4/conf/all/accept_redirects", map[string]string{"0": "1", "1": "0"}[value])
		for _, link := range []string{"eth0", "eth1"} {
			f.put("net/ipv4/conf/"+link+"/forwarding", value)
		}
	}
	return nil
}

// TestPutBack: whatever a process has changed, and one after it, is as it was found, unless somebody has changed it since.
func TestPutBack(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		for path, value := range map[string]string{
			"net/ipv4/conf/all/accept_redirects": "0", // hardened: forwarding must not bring it back
			"net/ipv4/conf/eth1/forwarding":      "1", // forwards though the router does not
			"net/ipv4/conf/eth0/rp_filter":       "1",
			"net/ipv4/vs/drop_entry":             "0",
		} {
			w.sys.put(path, value)
		}
		before := maps.Clone(w.sys.values)
		w.record = new(page)
		w.start()
		dr := with(web(), func(v *config.Virtual) { v.Name, v.Ports = "dr", []uint16{81} })
		dr.Servers = web("b").Servers
		w.know(2, document(with(web("a"), by(config.NAT)), dr))
		if changed, writes := w.record.kept(); len(changed) == 0 || writes != 1 {
			t.Fatalf("recorded in %d steps: %v", writes, changed)
		}
		if got := w.sys.values[forwarding4]; got != "1" {
			t.Fatalf("ip_forward is %q: this test shows nothing", got)
		}
		// The process dies. The next one changes one of them again, and one more.
		if err := w.end(); err != nil {
			t.Fatal(err)
		}
		w.start()
		w.know(3, given(document(with(web("a"), by(config.NAT)), dr), map[string]string{"net.ipv4.vs.drop_entry": "1", "net.ipv4.conf.*.rp_filter": "0"}))
		if got := w.record.Read()["net/ipv4/conf/eth0/rp_filter"]; got != (Changed{"1", "0"}) {
			t.Errorf("found by the first process and set by the second: %v", got)
		}
		if err := w.end(); err != nil {
			t.Fatal(err)
		}
		w.sys.put("net/ipv4/conf/eth1/send_redirects", "7") // somebody's, since
		want := maps.Clone(before)
		want["net/ipv4/conf/eth1/send_redirects"] = "7"
		done, err := PutBack(forwarder{w.sys}, w.record.Read())
		if err != nil || !maps.Equal(w.sys.values, want) {
			for path := range want {
				if w.sys.values[path] != want[path] {
					t.Errorf("%s is %s, was %s", path, w.sys.values[path], want[path])
				}
			}
			t.Error(err)
		}
		said := strings.Join(done, "\n")
		for _, line := range []string{"Put net.ipv4.ip_forward back to 0.", "Put net.ipv4.conf.eth0.rp_filter back to 1.", "Put net.ipv4.vs.drop_entry back to 0.",
			"Left net.ipv4.conf.eth1.send_redirects at 7: somebody has changed it since."} {
			if !strings.Contains(said, line) {
				t.Errorf("it does not say %q:\n%s", line, said)
			}
		}
		again, err := PutBack(forwarder{w.sys}, w.record.Read())
		if err != nil || slices.ContainsFunc(again, func(line string) bool { return strings.HasPrefix(line, "Put ") }) {
			t.Errorf("a second time: %v, %v", again, err)
		}
	})
}

// TestPutBackPassesOverWhatIsGone, and goes on after what cannot be written.
func TestPutBackPassesOverWhatIsGone(t *testing.T) {
	p := newProc(new(diary))
	changed := map[string]Changed{"net/ipv4/conf/eth9/arp_ignore": {"0", "1"}, "net/ipv4/conf/eth0/arp_ignore": {"0", "1"}}
	if done, err := PutBack(p, changed); err != nil || len(done) != 1 || p.values["net/ipv4/conf/eth0/arp_ignore"] != "0" {
		t.Errorf("a link is gone: %v, %v", done, err)
	}
	p.put("net/ipv4/conf/eth0/arp_ignore", "1")
	p.locked = true
	if done, err := PutBack(p, changed); !errors.Is(err, fs.ErrPermission) || len(done) != 0 {
		t.Errorf("read-only: %v, %v", done, err)
	}
}

// TestRecordFails: what cannot be recorded is set all the same, and said until it is recorded.
func TestRecordFails(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.record = &page{torn: errors.New("no space left on device")}
		w.sys.put("net/ipv4/vs/expire_nodest_conn", "0")
		w.start()
		w.know(2, document(web()))
		w.check("unrecorded", "rev 0 failing 1 (record of kernel settings: no space left on device)")
		if got := w.sys.values["net/ipv4/vs/expire_nodest_conn"]; got != "1" {
			t.Errorf("it is %s", got)
		}
		w.record.tear(nil)
		w.wait(time.Second)
		w.check("recorded", "converged rev 2")
		if got := w.record.Read()["net/ipv4/vs/expire_nodest_conn"]; got != (Changed{"0", "1"}) {
			t.Errorf("recorded: %v", got)
		}
	})
}
