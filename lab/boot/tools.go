package boot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Need is a program and the Debian package that brings it.
type Need struct{ Program, Package string }

// ParseNeed reads PROGRAM or PROGRAM=PACKAGE.
func ParseNeed(s string) (Need, error) {
	program, pkg, ok := strings.Cut(s, "=")
	if !ok {
		pkg = program
	}
	if program == "" || pkg == "" {
		return Need{}, fmt.Errorf("need %q: want PROGRAM or PROGRAM=PACKAGE", s)
	}
	return Need{program, pkg}, nil
}

// insideNeeds are the programs the laboratory itself calls.
func insideNeeds() []Need {
	return []Need{
		{"ip", "iproute2"}, {"tc", "iproute2"}, {"modprobe", "kmod"}, {"nft", "nftables"}, {"ipvsadm", "ipvsadm"},
		{"mkfs.ext4", "e2fsprogs"}, {"fsfreeze", "util-linux"}, {"curl", "curl"},
	}
}

// startedOften are the programs that a scenario starts dozens of times.
func startedOften() []string {
	return []string{"sh", "ip", "tc", "nft", "ipvsadm", "env", "cat", "unshare"}
}

// vmNeeds are those that fetch, unpack and boot a kernel.
func vmNeeds() []Need {
	return []Need{{"qemu-system-x86_64", "qemu-system-x86"}, {"dpkg-deb", "dpkg"}, {"depmod", "kmod"}, {"xz", "xz-utils"}}
}

// install brings what is missing and says so; with nothing missing it touches no network.
func install(ctx context.Context, say io.Writer, needs []Need) error {
	var packages []string
	for _, n := range needs {
		if _, err := lookPath(n.Program); err != nil && !contains(packages, n.Package) {
			packages = append(packages, n.Package)
		}
	}
	if len(packages) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("missing: %s, and there is no apt-get to install it with (the laboratory knows Debian and its kin); install it by hand",
			strings.Join(packages, ", "))
	}
	fmt.Fprintf(say, "labvm: installing from the Debian archive: %s\n", strings.Join(packages, " "))
	if err := apt(ctx, "", "update"); err != nil {
		return fmt.Errorf("install %s: %w", strings.Join(packages, " "), err)
	}
	if err := apt(ctx, "", append([]string{"install", "--yes", "--no-install-recommends"}, packages...)...); err != nil {
		return fmt.Errorf("install %s: %w", strings.Join(packages, " "), err)
	}
	return nil
}

// lookPath also looks where Debian keeps system programs, which an ordinary user's PATH lacks.
func lookPath(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin/", "/sbin/"} {
		if path, derr := exec.LookPath(dir + program); derr == nil {
			return path, nil
		}
	}
	return "", err
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// apt runs apt-get in dir, quietly unless it fails.
func apt(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=2"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("apt-get %s: %w\n%s", args[0], errors.Join(context.Cause(ctx), err), lastLines(out.String(), 12))
	}
	return nil
}

// lastLines is the end of a text, for an error message that a person reads.
func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
