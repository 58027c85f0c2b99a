package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	recording "runtime/trace"
	"slices"
	"strings"
	"time"
)

// flightConfig is how much is recorded: longer than a takeover that is slow by the slowest profile and has settleFailover for its addresses,
// within what a router can spare.
var flightConfig = recording.FlightRecorderConfig{MinAge: 20 * time.Second, MaxBytes: 4 << 20}

const (
	flightEvery = 10 * time.Minute // at most one is kept in that time
	flightsKept = 3
	flightAfter = 2 * time.Second // of a takeover is recorded too: addresses and their announcement
)

// flight keeps the last seconds of this process's execution trace in memory, and puts them into a file when a takeover was slow.
type flight struct {
	dir  string // of the files
	log  *slog.Logger
	slow chan time.Duration // how long it took; of what comes while one waits, nothing is kept
	wait time.Duration      // so much of what comes after a takeover is recorded too
	last time.Time          // of the last file; run's alone
}

func newFlight(dataDir string, log *slog.Logger) *flight {
	return &flight{dir: flightDir(dataDir), log: log, slow: make(chan time.Duration, 1), wait: flightAfter}
}

func flightDir(dataDir string) string { return filepath.Join(dataDir, "traces") }

// slowTakeover is above what a takeover takes when all goes well: a silent leader is noticed within its lease and a little, the vote and the
// first entry take some round trips and a write to the disk.
func slowTakeover(lease time.Duration) time.Duration { return 2 * (lease + 200*time.Millisecond) }

// tookOver has the recording kept, if there is one and took is slow with that lease. It never blocks.
func (f *flight) tookOver(took, lease time.Duration) {
	if f == nil || took <= slowTakeover(lease) {
		return
	}
	select {
	case f.slow <- took:
	default:
	}
}

// run records until ctx ends. One process has one recorder: whoever comes second goes without.
func (f *flight) run(ctx context.Context) error {
	r := recording.NewFlightRecorder(flightConfig)
	if err := r.Start(); err != nil {
		f.log.Debug("no flight recorder", "err", err)
		<-ctx.Done()
		return ctx.Err()
	}
	defer r.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case took := <-f.slow:
			if err := pause(ctx, f.wait); err != nil {
				return err
			}
			f.keep(r, took)
		}
	}
}

// pause waits, or ends with ctx and its error.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// keep writes what is recorded to a file, unless one was written lately.
func (f *flight) keep(r *recording.FlightRecorder, took time.Duration) {
	if !f.last.IsZero() && time.Since(f.last) < flightEvery {
		return
	}
	f.last = time.Now()
	path, err := f.write(r)
	if err != nil {
		f.log.Warn("the takeover was slow, and its recording cannot be kept", "took", took, "err", err)
		return
	}
	f.log.Warn("the takeover was slow; what the agent did is recorded", "took", took, "file", path, "look", "go tool trace "+path)
}

func (f *flight) write(r *recording.FlightRecorder) (path string, err error) {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return "", err
	}
	path = filepath.Join(f.dir, flightName(time.Now()))
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = r.WriteTo(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return "", errors.Join(err, os.Remove(path))
	}
	names, err := flights(f.dir)
	for len(names) > flightsKept {
		err = errors.Join(err, os.Remove(filepath.Join(f.dir, names[0])))
		names = names[1:]
	}
	return path, err
}

func flightName(at time.Time) string {
	return fmt.Sprintf("takeover-%s.trace", at.UTC().Format("20060102T150405.000Z"))
}

// flights are the names of the files that are kept in dir, the oldest first.
func flights(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "takeover-") && strings.HasSuffix(e.Name(), ".trace") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, err
}
