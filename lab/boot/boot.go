// Package boot finds or boots a Linux kernel with IPVS and runs one command in it as root.
//
// Where the running kernel has IPVS the command runs directly, in network and mount namespaces of its own. Elsewhere
// Debian's own kernel package is booted under qemu (KVM where it may be used, else emulation) with this machine's files as
// its root, under a layer of memory: what the command writes is gone with the machine, except below Options.Artifacts.
package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Options says what to run and where.
type Options struct {
	Command   []string      // argv
	Dir       string        // working directory; the same path inside
	Timeout   time.Duration // of the command, boot included; 0 means none
	Memory    string        // of the virtual machine, as qemu takes it; default 2G
	CPUs      int           // of the virtual machine; default 2
	Cache     string        // folder of unpacked kernels; default $POLSO_LAB_CACHE or /var/cache/polso-lab
	Artifacts string        // writable folder inside and out, told as POLSO_LAB_ARTIFACTS; default Cache/artifacts
	Needs     []Need        // programs the command wants besides the laboratory's own
	Forwards  []Forward     // how it is reached from here
	Mode      Mode
	Stdout    io.Writer // the command's streams; nil drops them
	Stderr    io.Writer // also what this package has to say
}

// Mode is where a command may run.
type Mode int

// The modes: where IPVS is, only here, only in a virtual machine.
const (
	Auto Mode = iota
	Direct
	Virtual
)

// String is the mode's name on the command line.
func (m Mode) String() string {
	switch m {
	case Auto:
		return "auto"
	case Direct:
		return "direct"
	case Virtual:
		return "vm"
	default:
		panic("boot: unknown mode")
	}
}

// ParseMode is String's inverse.
func ParseMode(s string) (Mode, error) {
	for _, m := range []Mode{Auto, Direct, Virtual} {
		if m.String() == s {
			return m, nil
		}
	}
	return Auto, fmt.Errorf("mode %q: want auto, direct or vm", s)
}

// ErrTimeout means that the command was still running when its time was up; it has been killed.
var ErrTimeout = errors.New("time is up")

// Run runs the command and returns its exit status (128 + signal if one ended it). An error means that it did not run to
// its end. Cancelling the context kills it, and the virtual machine with it.
func Run(ctx context.Context, o Options) (status int, err error) {
	if len(o.Command) == 0 {
		return 0, errors.New("no command")
	}
	if os.Geteuid() != 0 {
		return 0, errors.New("the laboratory needs root (it makes network namespaces); try: sudo -E " + strings.Join(os.Args, " "))
	}
	if err := o.defaults(); err != nil {
		return 0, err
	}
	if o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.Timeout, fmt.Errorf("%w (%v)", ErrTimeout, o.Timeout))
		defer cancel()
	}
	mode := o.Mode
	if mode == Auto {
		mode = Virtual
		if hasIPVS(ctx) {
			mode = Direct
		}
	}
	if mode == Direct {
		if err := install(ctx, o.Stderr, append(insideNeeds(), o.Needs...)); err != nil {
			return 0, err
		}
		return runDirect(ctx, o)
	}
	if err := install(ctx, o.Stderr, append(append(insideNeeds(), vmNeeds()...), o.Needs...)); err != nil {
		return 0, err
	}
	k, err := findKernel(ctx, o)
	if err != nil {
		return 0, fmt.Errorf("kernel: %w", err)
	}
	return runVM(ctx, o, k)
}

func (o *Options) defaults() error {
	if o.Memory == "" {
		o.Memory = "2G"
	}
	if o.CPUs == 0 {
		o.CPUs = 2
	}
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	if o.Cache == "" {
		o.Cache = os.Getenv("POLSO_LAB_CACHE")
	}
	if o.Cache == "" {
		o.Cache = "/var/cache/polso-lab"
	}
	if o.Artifacts == "" {
		o.Artifacts = filepath.Join(o.Cache, "artifacts")
	}
	for _, p := range []*string{&o.Cache, &o.Artifacts, &o.Dir} {
		abs, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = abs
	}
	for _, dir := range []string{o.Cache, o.Artifacts} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// environment is what the command sees: little, so that a run depends on the project and not on who started it.
func (o *Options) environment(extra ...string) []string {
	env := []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:" + os.Getenv("PATH"),
		"HOME=/root", "LANG=C.UTF-8", "TERM=dumb", "TMPDIR=/run/tmp",
		"POLSO_LAB_ARTIFACTS=" + o.Artifacts,
	}
	if os.Getenv("POLSO_LAB") == "" {
		// This is the laboratory: a test that is skipped here has proven nothing.
		env = append(env, "POLSO_LAB=require")
	}
	for _, e := range os.Environ() {
		if strings.HasPrefix(e, "POLSO_") && !strings.HasPrefix(e, "POLSO_LAB_ARTIFACTS=") && e != "POLSO_LAB=" {
			env = append(env, e)
		}
	}
	return append(env, extra...)
}
