package metrics

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"polso/api"
)

// a router that directs two virtuals.
func full() Picture {
	return Picture{
		Status: api.Status{
			Formed: true, Leader: "r1", Revision: 7, AppliedRevision: 6, Term: 3, Lease: api.Lease{Held: true, ExpiresIn: 0.3},
			Confirm: &api.Confirmation{}, Problems: []api.Problem{{What: "x"}},
			VIPs: []api.VIP{{Name: "web", Address: "192.0.2.10", Held: true, Conflict: &api.Conflict{Count: 2}}},
			Virtuals: []api.Virtual{
				{Name: "web", State: "up", Servers: []api.Server{
					{Name: "a", Address: "10.0.0.1", Port: 80, State: "up", Health: "up", EffectiveWeight: 10},
					{Name: "b", Address: "10.0.0.2", Port: 80, State: "drain", Health: "unchecked"},
					{Name: "b", Address: "10.0.0.2", Port: 80, State: "leaving", Health: "up"},
					{Name: "spare", Address: "2001:db8::9", Port: 80, State: "up", Health: "down", Sorry: true},
				}},
				{Name: "mail", State: "down"},
				{Name: "old", State: "inactive"},
			},
		},
		Stats: api.Stats{Virtuals: []api.VirtualStats{{Name: "web",
			Totals:  api.Totals{Connections: 9, PacketsIn: 8, PacketsOut: 7, BytesIn: 6, BytesOut: 5},
			Servers: []api.ServerStats{{Name: "a", Address: "10.0.0.1:80", Active: 4, Totals: api.Totals{Connections: 3, PacketsIn: 31, PacketsOut: 32, BytesIn: 33, BytesOut: 34}}},
		}}},
		Work: Work{Passes: 11, Drift: 2, Failing: 1, Probed: 3, Answers: []Answers{{"tcp", 40, 0}, {"http", 5, 6}}, Commit: 20, Applied: 19, Last: 21, Stalled: true},
	}
}

func scraped(t *testing.T, p Picture) string {
	t.Helper()
	r := New(func() Picture { return p }, api.Version{Version: "1.0", Commit: "abc", Go: "go1.26"})
	r.TookOver(0)
	r.TookOver(350 * time.Millisecond)
	r.Passed(30 * time.Millisecond)
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

func TestScrape(t *testing.T) {
	text := scraped(t, full())
	for _, want := range []string{
		`polso_build_info{commit="abc",go="go1.26",version="1.0"} 1`,
		"polso_director 1", "polso_lease_remaining_seconds 0.3", "polso_revision 7", "polso_applied_revision 6", "polso_converged 0", "polso_unconfirmed 1", "polso_problems 1",
		`polso_vip_held{address="192.0.2.10",vip="web"} 1`, `polso_vip_conflicts{address="192.0.2.10",vip="web"} 2`,
		`polso_virtual_up{virtual="web"} 1`, `polso_virtual_up{virtual="mail"} 0`,
		`polso_virtual_servers{state="up",virtual="web"} 1`, `polso_virtual_servers{state="drain",virtual="web"} 1`, `polso_virtual_servers{state="down",virtual="mail"} 0`,
		`polso_virtual_connections_total{virtual="web"} 9`, `polso_virtual_bytes_out_total{virtual="web"} 5`, `polso_virtual_active_connections{virtual="web"} 4`,
		`polso_server_up{address="10.0.0.1:80",server="a",virtual="web"} 1`, `polso_server_up{address="10.0.0.2:80",server="b",virtual="web"} 1`,
		`polso_server_up{address="[2001:db8::9]:80",server="spare",virtual="web"} 0`, `polso_server_weight{address="10.0.0.1:80",server="a",virtual="web"} 10`,
		`polso_server_connections_total{address="10.0.0.1:80",server="a",virtual="web"} 3`, "polso_servers_left_out 0",
		`polso_server_packets_in_total{address="10.0.0.1:80",server="a",virtual="web"} 31`, `polso_server_packets_out_total{address="10.0.0.1:80",server="a",virtual="web"} 32`,
		`polso_server_bytes_in_total{address="10.0.0.1:80",server="a",virtual="web"} 33`, `polso_server_bytes_out_total{address="10.0.0.1:80",server="a",virtual="web"} 34`,
		`polso_server_bytes_out_total{address="10.0.0.2:80",server="b",virtual="web"} 0`,
		`polso_virtuals{state="up"} 1`, `polso_virtuals{state="inactive"} 1`, `polso_virtuals{state="panic"} 0`, "polso_virtuals_left_out 0", "polso_vips_left_out 0",
		`polso_check_results_total{kind="tcp",result="ok"} 40`, `polso_check_results_total{kind="tcp",result="failed"} 0`,
		`polso_check_results_total{kind="http",result="failed"} 6`, "polso_pass_seconds_count 1", `polso_pass_seconds_bucket{le="0.025"} 0`, `polso_pass_seconds_bucket{le="0.05"} 1`,
		"polso_passes_total 11", "polso_drift_repaired_total 2", "polso_failing_passes 1", "polso_checks 3", "polso_raft_stalled 1", "polso_raft_last_index 21",
		"polso_takeovers_total 2", "polso_takeover_seconds_count 1", `polso_takeover_seconds_bucket{le="0.4"} 1`, `polso_takeover_seconds_bucket{le="0.3"} 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(text, `polso_virtual_up{virtual="old"}`) {
		t.Error("a virtual that the document keeps inactive is told as one that is down")
	}
}

func TestLint(t *testing.T) {
	problems, err := testutil.GatherAndLint(New(full, api.Version{}).all)
	if err != nil {
		t.Fatal(err)
	}
	problems = slices.DeleteFunc(problems, func(p promlint.Problem) bool { return !strings.HasPrefix(p.Metric, "polso_") })
	if len(problems) > 0 {
		t.Errorf("Prometheus would complain: %v", problems)
	}
}

// A router in no cluster has everything that is not of a virtual or an address, too.
func TestScrapeOfNothing(t *testing.T) {
	if text := scraped(t, Picture{}); !strings.Contains(text, "polso_formed 0\n") {
		t.Errorf("%s", text)
	}
}

// A table of any size makes a bounded number of series.
func TestManyServers(t *testing.T) {
	p := Picture{Status: api.Status{Virtuals: []api.Virtual{{Name: "a"}, {Name: "b"}}}}
	for i := range maxServers {
		p.Status.Virtuals[0].Servers = append(p.Status.Virtuals[0].Servers, api.Server{Name: "s", Port: uint16(i), State: "up"})
	}
	p.Status.Virtuals[1].Servers = p.Status.Virtuals[0].Servers[:10]
	text := scraped(t, p)
	if n := strings.Count(text, "\npolso_server_up{"); n != maxServers {
		t.Errorf("%d servers are told, want %d", n, maxServers)
	}
	for _, want := range []string{"polso_servers_left_out 10\n", `polso_virtual_servers{state="up",virtual="b"} 10` + "\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

// Those that are down are told however many there are that are up.
func TestManyVirtuals(t *testing.T) {
	var p Picture
	for i := range maxVirtuals + 5 {
		name := strconv.Itoa(i)
		p.Status.Virtuals = append(p.Status.Virtuals, api.Virtual{Name: name, State: "up", Servers: []api.Server{{Name: "s", State: "up"}}})
		p.Status.VIPs = append(p.Status.VIPs, api.VIP{Name: name}, api.VIP{Name: name})
	}
	last := &p.Status.Virtuals[maxVirtuals+4]
	last.State = "down"
	text := scraped(t, p)
	for series, want := range map[string]int{"polso_virtual_up{": maxVirtuals, "polso_server_up{": maxVirtuals, "polso_vip_held{": maxVIPs} {
		if n := strings.Count(text, "\n"+series); n != want {
			t.Errorf("%d of %s are told, want %d", n, series, want)
		}
	}
	for _, want := range []string{
		"polso_virtuals_left_out 5", "polso_servers_left_out 5", "polso_vips_left_out 5", fmt.Sprintf(`polso_virtuals{state="up"} %d`, maxVirtuals+4),
		fmt.Sprintf("polso_virtual_up{virtual=%q} 0", last.Name), fmt.Sprintf("polso_virtual_up{virtual=%q} 1", strconv.Itoa(maxVirtuals-2)),
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(text, fmt.Sprintf("polso_virtual_up{virtual=%q}", strconv.Itoa(maxVirtuals-1))) {
		t.Error("one that is up has not made room for one that is down")
	}
}

// What the dashboard, the alerts and the page name is there, and the page names all that there is.
func TestNamesExist(t *testing.T) {
	name := regexp.MustCompile(`polso_[a-z_]+`)
	have := map[string]bool{"polso_raft_lib": true}
	part := regexp.MustCompile(`_seconds_(bucket|sum|count)$`) // of a histogram, which the page need not name
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (polso_.*_seconds) histogram$`).FindAllStringSubmatch(scraped(t, full()), -1) {
		have[m[1]+"_bucket"], have[m[1]+"_sum"], have[m[1]+"_count"] = true, true, true
	}
	for _, line := range strings.Split(scraped(t, full()), "\n") {
		if rest, ok := strings.CutPrefix(line, "# TYPE polso_"); ok {
			have["polso_"+strings.Fields(rest)[0]] = true
		}
	}
	for _, file := range []string{"../contrib/metrics/alerts.yaml", "../contrib/metrics/dashboard.json", "../docs/metrics.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".json") && !json.Valid(text) {
			t.Errorf("%s is no JSON", file)
		}
		said := map[string]bool{}
		for _, n := range name.FindAllString(string(text), -1) {
			n = strings.TrimSuffix(n, "_")
			said[n] = true
			if !have[n] {
				t.Errorf("%s names %s, which there is not", file, n)
			}
		}
		for n := range have {
			if strings.HasSuffix(file, ".md") && !said[n] && !part.MatchString(n) {
				t.Errorf("%s does not name %s", file, n)
			}
		}
	}
}
