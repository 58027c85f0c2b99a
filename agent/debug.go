package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"polso/api"
	"polso/consensus"
)

// Debug is what this agent's process is at. Nothing in it is of another router, so it needs no leader.
func (a *Agent) Debug(context.Context) (api.Debug, error) {
	b := a.current.Load()
	out := api.Debug{Schema: api.Schema, Node: a.o.Name, Parts: []api.DebugPart{}}
	for _, p := range []struct {
		name, what string
		get        func() ([]byte, error)
	}{
		{"log.txt", "the last of what the agent logged since it started", func() ([]byte, error) { return a.recent.lines(), nil }},
		{"goroutines.txt", "what each goroutine of the agent is at", func() ([]byte, error) { return profile("goroutine", 2) }},
		{"heap.txt", "what the agent's memory is used for (go tool pprof)", func() ([]byte, error) { return profile("heap", 1) }},
		{"process.json", "the agent's process", a.process},
		{"build.txt", "what the agent is built of", buildInfo},
		{"raft.json", "this router's share of the raft group", b.raftState},
	} {
		one := api.DebugPart{Name: p.name, What: p.what}
		var err error
		if one.Data, err = p.get(); err != nil {
			one.Why = err.Error()
		}
		out.Parts = append(out.Parts, one)
	}
	out.Parts = append(out.Parts, a.recordings()...)
	return out, nil
}

// recordings are of takeovers that were slow, also those of agents before this one.
func (a *Agent) recordings() []api.DebugPart {
	if a.o.Dev {
		return nil
	}
	names, err := flights(flightDir(a.o.DataDir))
	if err != nil {
		return []api.DebugPart{{Name: "traces", What: "recordings of slow takeovers", Why: err.Error()}}
	}
	var parts []api.DebugPart
	for _, name := range names {
		one := api.DebugPart{Name: "traces/" + name, What: "what the agent did around a slow takeover (go tool trace)"}
		if one.Data, err = os.ReadFile(filepath.Join(flightDir(a.o.DataDir), name)); err != nil {
			one.Why = err.Error()
		}
		parts = append(parts, one)
	}
	return parts
}

func profile(name string, detail int) ([]byte, error) {
	var text bytes.Buffer
	err := pprof.Lookup(name).WriteTo(&text, detail)
	return text.Bytes(), err
}

func buildInfo() ([]byte, error) {
	i, ok := debug.ReadBuildInfo()
	if !ok {
		return nil, api.Errorf(api.CodeNotFound, "the binary does not say")
	}
	return []byte(i.String()), nil
}

// process is in figures what an operator sees of it from outside, and the memory from inside.
func (a *Agent) process() ([]byte, error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return indented(map[string]any{
		"started_at": a.started.UTC(), "uptime_seconds": time.Since(a.started).Seconds(), "go": runtime.Version(), "arch": runtime.GOARCH, "cpus": runtime.NumCPU(),
		"gomaxprocs": runtime.GOMAXPROCS(0), "goroutines": runtime.NumGoroutine(), "heap_bytes": m.HeapAlloc, "sys_bytes": m.Sys, "gc_runs": m.NumGC,
		"gc_pause_seconds": time.Duration(m.PauseTotalNs).Seconds(), "kernel": a.o.Kernel, "interfaces": a.o.Interfaces, "dev": a.o.Dev,
	})
}

// raftState is what consensus knows.
func (b *body) raftState() ([]byte, error) {
	if b.member == nil || !b.member.opened.Load() {
		return nil, api.Errorf(api.CodeNotFormed, "this router takes part in no raft group now")
	}
	leader, known := b.member.node.Leader()
	return indented(struct {
		ID, Leader string
		Known      bool
		Profile    string
		Role       consensus.Role
		Stats      consensus.Stats
	}{b.member.id, leader, known, b.member.profile.Name, b.role(), b.member.node.Stats()})
}

func indented(v any) ([]byte, error) { return json.MarshalIndent(v, "", "  ") }
