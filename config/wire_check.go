package config

import "time"

// wireCheck is the canonical form of a check; see wireDocument.
type wireCheck struct {
	Kind    CheckKind         `json:"kind"`
	Every   seconds           `json:"every"`
	Timeout seconds           `json:"timeout"`
	Rise    int               `json:"rise"`
	Fall    int               `json:"fall"`
	Port    uint16            `json:"port,omitzero"`
	Path    string            `json:"path,omitzero"`
	Host    string            `json:"host,omitzero"`
	Status  []wireStatusRange `json:"status,omitempty"`
	TLS     bool              `json:"tls,omitzero"`

	Fast       seconds           `json:"fast,omitzero"`
	Initial    Initial           `json:"initial,omitzero"`
	Through    Through           `json:"through,omitzero"`
	Flaps      int               `json:"flaps,omitzero"`
	FlapWindow seconds           `json:"flap_window,omitzero"`
	FlapHold   seconds           `json:"flap_hold,omitzero"`
	Method     string            `json:"method,omitzero"`
	Headers    map[string]string `json:"headers,omitempty"`
	Version    string            `json:"version,omitzero"`
	Redirects  int               `json:"redirects,omitzero"`
	Contains   string            `json:"contains,omitzero"`
	Matches    string            `json:"matches,omitzero"`
	JSON       string            `json:"json,omitzero"`
	Verify     *bool             `json:"verify,omitzero"` // unless it is true
	CA         string            `json:"ca,omitzero"`
	ServerName string            `json:"server_name,omitzero"`
	ClientCert string            `json:"client_cert,omitzero"`
	ClientKey  string            `json:"client_key,omitzero"`
	ExpiryWarn seconds           `json:"expiry_warn,omitzero"`
	Send       string            `json:"send,omitzero"`
	Expect     string            `json:"expect,omitzero"`
	User       string            `json:"user,omitzero"`
	Service    string            `json:"service,omitzero"`
	Query      string            `json:"query,omitzero"`
	Type       string            `json:"type,omitzero"`
	Answer     string            `json:"answer,omitzero"`
	Command    []string          `json:"command,omitempty"`
	Need       int               `json:"need,omitzero"`
	Of         []wireCheck       `json:"checks,omitempty"`
}

type wireStatusRange struct {
	From int `json:"from"`
	To   int `json:"to"`
}

func checkToWire(c *Check) *wireCheck {
	if c == nil {
		return nil
	}
	w := &wireCheck{
		Kind: c.Kind, Every: seconds(c.Every), Timeout: seconds(c.Timeout), Rise: c.Rise, Fall: c.Fall,
		Port: c.Port, Path: c.Path, Host: c.Host, TLS: c.TLS,
		Fast: seconds(c.Fast), Initial: c.Initial, Through: c.Through, Flaps: c.Flaps, FlapWindow: seconds(c.FlapWindow), FlapHold: seconds(c.FlapHold),
		Method: c.Method, Headers: c.Headers, Version: c.Version, Redirects: c.Redirects, Contains: c.Contains, Matches: c.Matches, JSON: c.JSON,
		CA: c.CA, ServerName: c.ServerName, ClientCert: c.ClientCert, ClientKey: c.ClientKey, ExpiryWarn: seconds(c.ExpiryWarn),
		Send: c.Send, Expect: c.Expect, User: c.User, Service: c.Service, Query: c.Query, Type: c.Type, Answer: c.Answer, Command: c.Command,
		Need: c.Need,
	}
	if c.NoVerify {
		w.Verify = new(bool)
	}
	for _, s := range c.Status {
		w.Status = append(w.Status, wireStatusRange(s))
	}
	for i := range c.Of {
		w.Of = append(w.Of, *checkToWire(&c.Of[i]))
	}
	return w
}

func checkFromWire(w *wireCheck) *Check {
	if w == nil {
		return nil
	}
	c := &Check{
		Kind: w.Kind, Every: time.Duration(w.Every), Timeout: time.Duration(w.Timeout), Rise: w.Rise, Fall: w.Fall,
		Port: w.Port, Path: w.Path, Host: w.Host, TLS: w.TLS,
		Fast: time.Duration(w.Fast), Initial: w.Initial, Through: w.Through,
		Flaps: w.Flaps, FlapWindow: time.Duration(w.FlapWindow), FlapHold: time.Duration(w.FlapHold),
		Method: w.Method, Headers: w.Headers, Version: w.Version, Redirects: w.Redirects, Contains: w.Contains, Matches: w.Matches, JSON: w.JSON,
		NoVerify: w.Verify != nil && !*w.Verify,
		CA:       w.CA, ServerName: w.ServerName, ClientCert: w.ClientCert, ClientKey: w.ClientKey, ExpiryWarn: time.Duration(w.ExpiryWarn),
		Send: w.Send, Expect: w.Expect, User: w.User, Service: w.Service, Query: w.Query, Type: w.Type, Answer: w.Answer, Command: w.Command,
		Need: w.Need,
	}
	for _, s := range w.Status {
		c.Status = append(c.Status, StatusRange(s))
	}
	for i := range w.Of {
		c.Of = append(c.Of, *checkFromWire(&w.Of[i]))
	}
	return c
}
