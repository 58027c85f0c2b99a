package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Usage is what a process has open and has used.
type Usage struct {
	PID, Descriptors, Sockets, Threads int
	Processor                          time.Duration // user's and system's, since the process began
	Memory                             int64         // bytes resident
}

// Usage counts what the router's process has open, from the outside (/proc).
func (r *Router) Usage() (Usage, error) {
	if !r.Running() {
		return Usage{}, fmt.Errorf("%s: usage: no process", r.Name)
	}
	u, err := UsageOf(r.cmd.Process.Pid)
	if err != nil {
		return u, fmt.Errorf("%s: %w", r.Name, err)
	}
	return u, nil
}

// UsageOf counts what a process has open.
func UsageOf(pid int) (Usage, error) {
	u := Usage{PID: pid}
	proc := fmt.Sprintf("/proc/%d", u.PID)
	open, err := os.ReadDir(proc + "/fd")
	if err != nil {
		return u, fmt.Errorf("usage: %w", err)
	}
	u.Descriptors = len(open)
	for _, fd := range open {
		// One that was closed meanwhile is none.
		if to, err := os.Readlink(proc + "/fd/" + fd.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			u.Sockets++
		}
	}
	status, err := os.ReadFile(proc + "/status")
	if err != nil {
		return u, fmt.Errorf("usage: %w", err)
	}
	if u.Threads, err = number(string(status), "Threads:"); err != nil {
		return u, fmt.Errorf("usage: %w", err)
	}
	kilobytes, err := number(string(status), "VmRSS:")
	if err != nil {
		return u, fmt.Errorf("usage: %w", err)
	}
	u.Memory = int64(kilobytes) << 10
	if u.Processor, err = Processor(u.PID); err != nil {
		return u, fmt.Errorf("usage: %w", err)
	}
	return u, nil
}

// Processor is the time that a process has had of the processors, user's and system's, in steps of 10 ms.
func Processor(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return processor(string(stat))
}

// PIDIn reads the number of a process from the file that a daemon has written it to.
func PIDIn(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// number finds a line of /proc/PID/status.
func number(status, name string) (int, error) {
	_, rest, _ := strings.Cut(status, "\n"+name)
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, fmt.Errorf("%s is missing", name)
	}
	return strconv.Atoi(fields[0])
}

// processor reads the times in /proc/PID/stat, which counts a hundred to the second.
func processor(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]) // behind the name, in which anything may be
	if len(fields) < 13 {
		return 0, fmt.Errorf("%d fields", len(fields))
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, err
}

// Goroutines ends the router's process with SIGQUIT, upon which a Go program writes where each of its goroutines is, and
// counts them in the router's log.
func (r *Router) Goroutines(ctx context.Context) (int, error) {
	before, err := os.Stat(r.logPath())
	if err != nil {
		return 0, err
	}
	if err := errors.Join(r.signal(syscall.SIGQUIT), r.Wait(ctx)); err != nil {
		return 0, err
	}
	log, err := os.Open(r.logPath())
	if err != nil {
		return 0, err
	}
	defer log.Close()
	if _, err := log.Seek(before.Size(), 0); err != nil {
		return 0, err
	}
	n := countGoroutines(bufio.NewScanner(log))
	if n == 0 {
		return 0, fmt.Errorf("%s: no goroutine in its last words", r.Name)
	}
	return n, nil
}

var goroutine = regexp.MustCompile(`^goroutine [1-9][0-9]* .*\[.+\]:$`)

func countGoroutines(dump *bufio.Scanner) (n int) {
	for dump.Scan() {
		if goroutine.MatchString(dump.Text()) {
			n++
		}
	}
	return n
}
