package program

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// credential is that of a user, nobody for ""; nil for who we are already. Root is only who is called so. Who is not root can run
// programs as himself alone.
func credential(name string) (*syscall.Credential, error) {
	if name == "" {
		name = "nobody"
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("there is no user %q", name)
	}
	uid, uerr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gerr := strconv.ParseUint(u.Gid, 10, 32)
	switch err := errors.Join(uerr, gerr); {
	case err != nil:
		return nil, fmt.Errorf("user %q: %w", name, err)
	case uid == 0 && name != "root":
		return nil, fmt.Errorf("user %q is root; who means that writes user = \"root\"", name)
	case os.Geteuid() == int(uid) && uid != 0:
		return nil, nil
	case os.Geteuid() != 0:
		return nil, fmt.Errorf("polso does not run as root and cannot run a command as %s", name)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil // and no other group
}
