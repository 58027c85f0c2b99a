package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// Client speaks to an agent. It is safe for concurrent use.
type Client struct {
	base string
	http *http.Client
	addr string
}

// SocketPath is the path of the unix socket that addr names: unix:///run/polso/polso.sock or unix:/run/polso/polso.sock. It is the
// one place where an agent's address is read; only absolute paths mean the same to an agent and to who asks it.
func SocketPath(addr string) (string, error) {
	rest, ok := strings.CutPrefix(addr, "unix:")
	path := strings.TrimPrefix(rest, "//")
	if !ok || !strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/") {
		return "", Errorf(CodeInvalid, "address %q is not understood", addr).WithHint("give unix:///PATH/TO/SOCKET, as in unix:///run/polso/polso.sock")
	}
	return path, nil
}

// NewClient speaks to the agent at addr, which is what SocketPath reads.
func NewClient(addr string) (*Client, error) {
	path, err := SocketPath(addr)
	if err != nil {
		return nil, err
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return &Client{base: "http://polso", addr: addr, http: &http.Client{Transport: &http.Transport{DialContext: dial}}}, nil
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// call sends body (nil for none) and decodes the answer into answer. A refusal is an *Error.
func (c *Client) call(ctx context.Context, method, path string, body, answer any) error {
	kind := ""
	var b []byte
	if body != nil {
		var err error
		if b, err = json.Marshal(body); err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		kind = "application/json"
	}
	text, err := c.exchange(ctx, method, path, kind, b)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%s %s: answer: %w", method, path, err)
	}
	return nil
}

// exchange sends body, which is of that media type ("": there is none), and returns the answer as it came. A refusal is an *Error.
func (c *Client) exchange(ctx context.Context, method, path, kind string, body []byte) ([]byte, error) {
	text, _, err := c.respond(ctx, method, path, kind, body)
	return text, err
}

// respond is exchange with the cookies that came along.
func (c *Client) respond(ctx context.Context, method, path, kind string, body []byte) ([]byte, []*http.Cookie, error) {
	var r io.Reader
	if kind != "" {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, r)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, nil, c.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, MaxSnapshot))
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return nil, nil, c.nameless(refusal(resp.StatusCode, text))
	}
	return text, resp.Cookies(), nil
}

// unreachable says in an operator's words why the agent could not be asked.
func (c *Client) unreachable(ctx context.Context, err error) error {
	switch ended := ctx.Err(); { // err may be the cause of that end, whatever the caller gave
	case errors.Is(ended, context.DeadlineExceeded):
		return Errorf(CodeTimeout, "no answer from the agent in time")
	case ended != nil:
		return ended
	}
	if e := c.distrust(err); e != nil {
		return e
	}
	e := Errorf(CodeUnreachable, "the agent at %s does not answer", c.addr).WithReason(err)
	switch {
	case strings.HasPrefix(c.addr, "https:"):
		e = e.WithHint("%s", silent(err))
	case errors.Is(err, fs.ErrPermission):
		e = Errorf(CodeDenied, "not permitted to speak to the agent at %s", c.addr).WithHint("be root or a member of group polso")
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTSOCK):
		e = e.WithHint("is it running? start it with `polso agent`, or name its socket with --addr or POLSO_ADDR")
	}
	return e
}

// refusal decodes the answer of a refused request.
func refusal(code int, text []byte) error {
	var e Error
	if json.Unmarshal(text, &e) != nil || e.Title == "" {
		return Errorf(CodeInternal, "the agent answers %d %s", code, http.StatusText(code)).WithDetail("%.200s", strings.TrimSpace(string(text))).
			WithHint("is it Polso's agent that listens there?")
	}
	e.Status = code
	return &e
}

func ask[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	var answer T
	err := c.call(ctx, method, path, body, &answer)
	return answer, err
}

// Status is the cluster as the leader sees it.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return ask[Status](ctx, c, http.MethodGet, "/v1/status", nil)
}

// BriefStatus is Status without virtuals and their servers.
func (c *Client) BriefStatus(ctx context.Context) (Status, error) {
	return ask[Status](ctx, c, http.MethodGet, "/v1/status?brief=true", nil)
}

// Local is the asked router alone.
func (c *Client) Local(ctx context.Context) (Status, error) {
	return ask[Status](ctx, c, http.MethodGet, "/v1/status?local=true", nil)
}

// BriefLocal is Local without virtuals and their servers.
func (c *Client) BriefLocal(ctx context.Context) (Status, error) {
	return ask[Status](ctx, c, http.MethodGet, "/v1/status?local=true&brief=true", nil)
}

// BriefLocalOf is another member alone, as it sees itself, without virtuals and their servers.
func (c *Client) BriefLocalOf(ctx context.Context, name string) (Status, error) {
	return ask[Status](ctx, c, http.MethodGet, "/v1/status?"+url.Values{"on": {name}, "brief": {"true"}}.Encode(), nil)
}

// Version is what the agent runs.
func (c *Client) Version(ctx context.Context) (Version, error) {
	return ask[Version](ctx, c, http.MethodGet, "/v1/version", nil)
}

// IPVS is a router's kernel table in a layout.
func (c *Client) IPVS(ctx context.Context, r IPVSRequest) (IPVS, error) {
	return ask[IPVS](ctx, c, http.MethodGet, "/v1/ipvs?"+url.Values{"on": {r.On}, "layout": {r.Layout}}.Encode(), nil)
}

// Doctor is what a member lacks; on "" is the one that is asked.
func (c *Client) Doctor(ctx context.Context, on string) (Findings, error) {
	return ask[Findings](ctx, c, http.MethodGet, "/v1/doctor?"+url.Values{"on": {on}}.Encode(), nil)
}

// Announce announces held addresses again.
func (c *Client) Announce(ctx context.Context, r AnnounceRequest) (Done, error) {
	return ask[Done](ctx, c, http.MethodPost, "/v1/announce", r)
}

// Init makes a new cluster.
func (c *Client) Init(ctx context.Context, r InitRequest) (InitAnswer, error) {
	return ask[InitAnswer](ctx, c, http.MethodPost, "/v1/cluster/init", r)
}

// Join joins a cluster.
func (c *Client) Join(ctx context.Context, r JoinRequest) (JoinAnswer, error) {
	return ask[JoinAnswer](ctx, c, http.MethodPost, "/v1/cluster/join", r)
}

// Leave leaves the cluster.
func (c *Client) Leave(ctx context.Context, r LeaveRequest) (Done, error) {
	return ask[Done](ctx, c, http.MethodPost, "/v1/cluster/leave", r)
}

// Rejoin makes this router a member again, as a new one of its old name.
func (c *Client) Rejoin(ctx context.Context, r RejoinRequest) (JoinAnswer, error) {
	return ask[JoinAnswer](ctx, c, http.MethodPost, "/v1/cluster/rejoin", r)
}

// Recover has this router go on alone, as a new generation of its cluster.
func (c *Client) Recover(ctx context.Context, r RecoverRequest) (Recovered, error) {
	return ask[Recovered](ctx, c, http.MethodPost, "/v1/cluster/recover", r)
}

// Remove takes another router out.
func (c *Client) Remove(ctx context.Context, name string) (Done, error) {
	return ask[Done](ctx, c, http.MethodDelete, "/v1/cluster/routers/"+url.PathEscape(name), nil)
}

// DrainRouter keeps a router from directing.
func (c *Client) DrainRouter(ctx context.Context, name string, r DrainRequest) (Done, error) {
	return ask[Done](ctx, c, http.MethodPost, "/v1/cluster/routers/"+url.PathEscape(name)+"/drain", r)
}

// UndrainRouter lets a router direct again.
func (c *Client) UndrainRouter(ctx context.Context, name string) (Done, error) {
	return ask[Done](ctx, c, http.MethodDelete, "/v1/cluster/routers/"+url.PathEscape(name)+"/drain", nil)
}

// Certificates are the router's certificate and its CA's.
func (c *Client) Certificates(ctx context.Context) (Certificates, error) {
	return ask[Certificates](ctx, c, http.MethodGet, "/v1/certificates", nil)
}

// RotateCertificates makes new certificates.
func (c *Client) RotateCertificates(ctx context.Context, r RotateRequest) (Done, error) {
	return ask[Done](ctx, c, http.MethodPost, "/v1/certificates/rotate", r)
}

// Upgrade tells which version and command level each member has, and which is to be upgraded next.
func (c *Client) Upgrade(ctx context.Context) (Upgrade, error) {
	return ask[Upgrade](ctx, c, http.MethodGet, "/v1/upgrade", nil)
}

// Profile is the cluster's timing.
func (c *Client) Profile(ctx context.Context) (Profile, error) {
	return ask[Profile](ctx, c, http.MethodGet, "/v1/profile", nil)
}

// SetProfile begins a change of the cluster's timing, or takes back one that is under way.
func (c *Client) SetProfile(ctx context.Context, r ProfileRequest) (Done, error) {
	return ask[Done](ctx, c, http.MethodPost, "/v1/profile", r)
}

// Transfer is a planned switchover.
func (c *Client) Transfer(ctx context.Context, r TransferRequest) (Transferred, error) {
	return ask[Transferred](ctx, c, http.MethodPost, "/v1/transfer", r)
}

// Tokens lists join tokens.
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	return ask[[]Token](ctx, c, http.MethodGet, "/v1/tokens", nil)
}

// CreateToken makes a join token.
func (c *Client) CreateToken(ctx context.Context, r TokenRequest) (Token, error) {
	return ask[Token](ctx, c, http.MethodPost, "/v1/tokens", r)
}

// RevokeToken revokes a join token by its ID.
func (c *Client) RevokeToken(ctx context.Context, id string) (Done, error) {
	return ask[Done](ctx, c, http.MethodDelete, "/v1/tokens/"+url.PathEscape(id), nil)
}

// Document is the running document.
func (c *Client) Document(ctx context.Context) (Revision, error) {
	return ask[Revision](ctx, c, http.MethodGet, "/v1/document", nil)
}

// BareDocument is the running document without the summary of what it changed: with a large one that takes a while.
func (c *Client) BareDocument(ctx context.Context) (Revision, error) {
	return ask[Revision](ctx, c, http.MethodGet, "/v1/document?bare=true", nil)
}

// Plan is what a document would change.
func (c *Client) Plan(ctx context.Context, r PlanRequest) (Plan, error) {
	return ask[Plan](ctx, c, http.MethodPost, "/v1/document/plan", r)
}

// Apply replaces the document.
func (c *Client) Apply(ctx context.Context, r ApplyRequest) (Applied, error) {
	return ask[Applied](ctx, c, http.MethodPost, "/v1/document", r)
}

// Confirm has the revision that waits stay.
func (c *Client) Confirm(ctx context.Context, r ConfirmRequest) (Done, error) {
	return ask[Done](ctx, c, http.MethodPost, "/v1/confirm", r)
}

// History lists the newest n revisions.
func (c *Client) History(ctx context.Context, n int) ([]Revision, error) {
	return ask[[]Revision](ctx, c, http.MethodGet, fmt.Sprintf("/v1/revisions?n=%d", n), nil)
}

// HistoryOfChanges lists the newest n revisions, each with what it changed.
func (c *Client) HistoryOfChanges(ctx context.Context, n int) ([]Revision, error) {
	return ask[[]Revision](ctx, c, http.MethodGet, fmt.Sprintf("/v1/revisions?n=%d&changes=true", n), nil)
}

// Compare tells one revision from another; to 0 is the running one.
func (c *Client) Compare(ctx context.Context, from, to uint64) (Comparison, error) {
	return ask[Comparison](ctx, c, http.MethodGet, fmt.Sprintf("/v1/revisions/%d/changes?to=%d", from, to), nil)
}

// Audit lists the newest entries that were asked for, oldest first.
func (c *Client) Audit(ctx context.Context, r AuditRequest) ([]AuditEntry, error) {
	q := url.Values{"n": {fmt.Sprint(r.Count)}, "after": {fmt.Sprint(r.After)}}
	if !r.Since.IsZero() {
		q.Set("since", r.Since.Format(time.RFC3339Nano))
	}
	return ask[[]AuditEntry](ctx, c, http.MethodGet, "/v1/audit?"+q.Encode(), nil)
}

// Revision is one revision with its document.
func (c *Client) Revision(ctx context.Context, n uint64) (Revision, error) {
	return ask[Revision](ctx, c, http.MethodGet, fmt.Sprintf("/v1/revisions/%d", n), nil)
}

// Rollback runs an old document again.
func (c *Client) Rollback(ctx context.Context, r RollbackRequest) (Applied, error) {
	return ask[Applied](ctx, c, http.MethodPost, "/v1/rollback", r)
}

// Snapshot is document, history and audit in one file; InspectSnapshot reads it.
func (c *Client) Snapshot(ctx context.Context) ([]byte, error) {
	return c.exchange(ctx, http.MethodGet, "/v1/snapshot", "", nil)
}

// Restore has the document of a snapshot run.
func (c *Client) Restore(ctx context.Context, r RestoreRequest) (Applied, error) {
	q := url.Values{}
	if r.Base != 0 {
		q.Set("base_revision", fmt.Sprint(r.Base))
	}
	for name, value := range map[string]string{"message": r.Message, "request_id": r.RequestID} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if r.DryRun {
		q.Set("dry_run", "true")
	}
	var done Applied
	text, err := c.exchange(ctx, http.MethodPost, "/v1/snapshot/restore?"+q.Encode(), snapshotType, r.Text)
	if err != nil {
		return done, err
	}
	if err := json.Unmarshal(text, &done); err != nil {
		return done, fmt.Errorf("restore: answer: %w", err)
	}
	return done, nil
}
