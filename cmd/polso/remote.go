package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"polso/api"
)

// client speaks to the agent at --addr: over its socket, or over HTTPS from elsewhere.
func (a *app) client() (*api.Client, error) {
	var c *api.Client
	var err error
	if strings.HasPrefix(a.addr, "https:") || strings.HasPrefix(a.addr, "http:") {
		c, err = a.remote()
	} else {
		c, err = api.NewClient(a.addr)
	}
	if err != nil {
		return nil, usageError{err}
	}
	return c, nil
}

// remote speaks to an agent elsewhere, as the bearer of an access token.
func (a *app) remote() (*api.Client, error) {
	o := api.RemoteOptions{Token: a.getenv("POLSO_TOKEN")}
	if a.tokenFile != "" {
		text, err := fileOf("token-file", a.tokenFile)
		if err != nil {
			return nil, err
		}
		o.Token = strings.TrimSpace(string(text))
	}
	if a.cacert != "" {
		text, err := fileOf("cacert", a.cacert)
		if err != nil {
			return nil, err
		}
		o.CA = append([]byte{}, text...) // an empty file is not as good as none
	}
	return api.NewRemoteClient(a.addr, o)
}

// fileOf reads the file that a flag names.
func fileOf(flag, path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, api.Errorf(api.CodeDenied, "not permitted to read %s", path).WithHint("--%s names it", flag)
	case err != nil:
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	return text, nil
}
