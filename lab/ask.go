package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// Refusal is an agent's answer that is not the one that was asked for, as the command line would show it.
type Refusal struct {
	Status int    `json:"status"`
	Code   string `json:"code"` // the stable word that scripts rely on
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// Error implements error.
func (r *Refusal) Error() string { return fmt.Sprintf("%s: %s: %s", r.Code, r.Title, r.Detail) }

// ErrNotAsked means that no agent was there to take the request: it was not done and will not be.
var ErrNotAsked = errors.New("no agent takes the request")

// Ask sends a request to the router's agent on its socket and decodes the answer into answer (nil: it is dropped): what the
// command line does, without a process for every question, which would slow down what is measured. What the agent refuses is
// a *Refusal. It may be called by any goroutine.
func (r *Router) Ask(ctx context.Context, method, path string, body, answer any) error {
	if err := ask(ctx, r.socket(), method, path, body, answer); err != nil {
		return fmt.Errorf("%s: %s %s: %w", r.Name, method, path, err)
	}
	return nil
}

func ask(ctx context.Context, socket, method, path string, body, answer any) error {
	text, err := exchange(ctx, socket, method, path, body)
	if err != nil || answer == nil {
		return err
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%w in %.200q", err, text)
	}
	return nil
}

// exchange sends a request, with body as JSON unless it is nil, and returns what was answered as it is.
func exchange(ctx context.Context, socket, method, path string, body any) ([]byte, error) {
	var send io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		send = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://polso"+path, send)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "unix", socket)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotAsked, err)
		}
		return conn, nil
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	got, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		return nil, err
	}
	if got.StatusCode >= http.StatusBadRequest {
		refusal := &Refusal{Status: got.StatusCode}
		if json.Unmarshal(text, refusal) != nil || refusal.Code == "" {
			return nil, fmt.Errorf("%s: %.200s", got.Status, text)
		}
		return nil, refusal
	}
	return text, nil
}

// Numbers are what the router tells Prometheus, by the series as it is written there: `polso_director`, `polso_virtual_up{virtual="web"}`.
func (r *Router) Numbers(ctx context.Context) (map[string]float64, error) {
	text, err := exchange(ctx, r.socket(), http.MethodGet, "/metrics", nil)
	if err != nil {
		return nil, fmt.Errorf("%s: metrics: %w", r.Name, err)
	}
	return numbersOf(string(text))
}

func numbersOf(text string) (map[string]float64, error) {
	out := make(map[string]float64)
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		n, err := strconv.ParseFloat(line[at+1:], 64)
		if at < 0 || err != nil {
			return nil, fmt.Errorf("no series: %q", line)
		}
		out[line[:at]] = n
	}
	return out, nil
}
