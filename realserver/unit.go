package realserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Where what outlives a restart lies, below the file system's root.
const (
	UnitName = "polso-realserver.service"
	unitPath = "etc/systemd/system/" + UnitName
	confFile = "etc/polso/realserver.conf"
)

// unit is contrib/polso-realserver.service.
const unit = `# A real server's virtual addresses under systemd: /etc/systemd/system/polso-realserver.service
[Unit]
Description=Polso: the virtual addresses of this real server
After=network-pre.target systemd-sysctl.service
# Services that listen on the addresses come after network.target.
Before=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
# ARGS="192.0.2.10 2001:db8::10"
EnvironmentFile=/etc/polso/realserver.conf
ExecStart=/usr/bin/polso realserver setup $ARGS
ExecStop=/usr/bin/polso realserver remove

[Install]
WantedBy=multi-user.target
`

// Unit is the systemd unit that runs the binary.
func Unit(binary string) string { return strings.ReplaceAll(unit, "/usr/bin/polso", binary) }

// Conf is the file that gives the unit setup's arguments; none of them may have a space, or what systemd would expand.
func Conf(args []string) (string, error) {
	for _, a := range args {
		if a == "" || strings.ContainsAny(a, " \t\n\"'\\$%") {
			return "", fmt.Errorf("%q cannot be an argument in a unit of systemd", a)
		}
	}
	return fmt.Sprintf("# What polso realserver setup is given at every start.\nARGS=\"%s\"\n", strings.Join(args, " ")), nil
}

// Install writes both files below root, and says which. It starts nothing.
func Install(root, binary string, args []string) ([]string, error) {
	conf, err := Conf(args)
	if err != nil {
		return nil, err
	}
	var done []string
	files := Files(root)
	for i, text := range []string{conf, Unit(binary)} {
		path := files[i]
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return done, err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return done, err
		}
		done = append(done, path)
	}
	return done, nil
}

// Files are what Install writes below root: the settings, and the unit.
func Files(root string) []string {
	return []string{filepath.Join(root, confFile), filepath.Join(root, unitPath)}
}

// Uninstall removes what Install wrote, and says what was there.
func Uninstall(root string) ([]string, error) {
	var done []string
	for _, f := range []string{unitPath, confFile} {
		path := filepath.Join(root, f)
		switch err := os.Remove(path); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return done, err
		default:
			done = append(done, path)
		}
	}
	return done, nil
}
