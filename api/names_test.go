package api

import (
	"bytes"
	"encoding/json"
	"testing"
)

// stableStatus is what scripts may rely on: these names are never taken away or given another meaning.
const stableStatus = `{"schema":"polso/v1","cluster":"edge","node":"r2","revision":42,"applied_revision":42,
 "leader":"r2","active":"r2","term":7,"lease":{"held":true,"expires_in_seconds":0.19},
 "profile":"lan","quorum":{"voters":3,"healthy":3},
 "members":[{"name":"r1","addresses":["10.9.0.11:5390"],"kind":"router","raft":"follower","state":"up"}],
 "vips":[{"address":"10.9.0.50","group":"default","on":"r2","interface":"eth0","held":true,"announced_at":"2026-11-22T10:00:00Z"}],
 "virtuals":[{"name":"web","address":"10.9.0.50","ports":[80],"fwmark":0,"protocol":"tcp","servers":[
   {"name":"a","address":"10.9.0.21","port":80,"state":"up","weight":1,"effective_weight":1,"reason":""}]}],
 "last_failover":{"from":"r1","to":"r2","at":"2026-11-22T09:00:00Z","reason":"leader lost","seconds":0.31}}`

func TestStableNames(t *testing.T) {
	d := json.NewDecoder(bytes.NewReader([]byte(stableStatus)))
	d.DisallowUnknownFields()
	var st Status
	if err := d.Decode(&st); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(st)
	if err != nil {
		t.Fatal(err)
	}
	var want, got map[string]any
	if err := json.Unmarshal([]byte(stableStatus), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(again, &got); err != nil {
		t.Fatal(err)
	}
	contains(t, "", got, want)
}

// contains checks that everything of want is in got, with the same values.
func contains(t *testing.T, path string, got, want any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		have, ok := got.(map[string]any)
		if !ok {
			t.Errorf("%s: got %v, want an object", path, got)
			return
		}
		for name, w := range want {
			g, ok := have[name]
			if !ok {
				t.Errorf("%s.%s is missing", path, name)
				continue
			}
			contains(t, path+"."+name, g, w)
		}
	case []any:
		have, ok := got.([]any)
		if !ok || len(have) != len(want) {
			t.Errorf("%s: got %v, want a list of %d", path, got, len(want))
			return
		}
		for i := range want {
			contains(t, path+"[]", have[i], want[i])
		}
	default:
		if got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}
