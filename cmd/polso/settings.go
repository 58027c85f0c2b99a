package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/config"
)

// defaultNodeFile is where a router's own settings are.
const defaultNodeFile = "/etc/polso/node.hcl"

func (a *app) configFlag(c *cobra.Command, path *string) {
	c.Flags().StringVar(path, "config", "", "this router's settings (default: "+defaultNodeFile+", if it is there)")
}

// nodeFile reads a router's settings: from path, or from the usual place if that is empty. A file that is not in the usual place
// says nothing; one that was named must be there.
func (a *app) nodeFile(path string) (config.Node, error) {
	named := path != ""
	if !named {
		path = a.settings
	}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !named:
		return config.Node{}, nil
	case errors.Is(err, fs.ErrPermission):
		return config.Node{}, api.Errorf(api.CodeDenied, "not permitted to read %s", path).WithHint("run as root")
	case err != nil:
		return config.Node{}, usageError{fmt.Errorf("config: %w", err)}
	}
	n, err := config.LoadNode(config.File{Name: path, Text: text})
	if err == nil {
		return n, nil
	}
	err = api.DocumentError(err)
	if e, ok := errors.AsType[*api.Error](err); ok {
		e.Title = fmt.Sprintf("the settings in %s cannot be used", path)
	}
	return n, err
}

// setting is a flag's value, which is the environment's or the usual one where the flag was not given, or what the file says if
// neither flag nor environment do. There is no variable for env "".
func (a *app) setting(c *cobra.Command, flag, env, value, file string) string {
	if file == "" || c.Flags().Changed(flag) || env != "" && a.getenv(env) != "" {
		return value
	}
	return file
}

// socket is the path at which an agent listens for the command line, and near which a dead one left its notes.
func (a *app) socket(c *cobra.Command, n config.Node) (string, error) {
	if path := a.setting(c, "addr", "POLSO_ADDR", "", n.Socket); path != "" {
		return path, nil
	}
	path, err := api.SocketPath(a.addr)
	if err != nil {
		return "", usageError{err}
	}
	return path, nil
}
