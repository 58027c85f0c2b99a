package ipvs

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// load loads IPVS itself, within a call's time.
func load(o Options) error {
	ctx, cancel := context.WithTimeout(context.Background(), o.Timeout)
	defer cancel()
	return o.Modprobe(ctx, "ip_vs")
}

// modprobe runs the program, which need not be on an unprivileged user's PATH.
func modprobe(ctx context.Context, module string) error {
	var program string
	var err error
	for _, p := range []string{"modprobe", "/usr/sbin/modprobe", "/sbin/modprobe"} {
		if program, err = exec.LookPath(p); err == nil {
			break
		}
	}
	if err != nil {
		return errors.New("there is no modprobe on this machine")
	}
	cmd := exec.CommandContext(ctx, program, module)
	cmd.WaitDelay = time.Second // an install rule's child may keep the pipe
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if text := strings.TrimSpace(string(out)); text != "" {
		return errors.New(strings.ReplaceAll(text, "\n", "; "))
	}
	return fmt.Errorf("modprobe %s: %w", module, err)
}
