package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"polso/api"
	"polso/consensus"
	"polso/consensus/trust"
	"polso/consensus/wire"
	"polso/fsm"
)

// The codes that travel between nodes, beside wire's own.
const (
	codeTransferring = "transferring"
	codeStopped      = "stopped"
)

// encode is the code of one of consensus's errors.
func encode(err error) string {
	switch {
	case errors.Is(err, consensus.ErrNotLeader):
		return wire.CodeNotLeader
	case errors.Is(err, consensus.ErrNoLeader):
		return wire.CodeNoLeader
	case errors.Is(err, consensus.ErrUnknownOutcome):
		return wire.CodeUnknownOutcome
	case errors.Is(err, consensus.ErrTransferring):
		return codeTransferring
	case errors.Is(err, consensus.ErrStopped):
		return codeStopped
	}
	if e, ok := errors.AsType[*api.Error](err); ok && e.Code != api.CodeInternal {
		return wire.CodeRefused
	}
	return ""
}

// decode is encode's way back.
func decode(err error) error {
	remote, ok := errors.AsType[*wire.RemoteError](err)
	switch {
	case errors.Is(err, wire.ErrUnknownOutcome):
		return errors.Join(consensus.ErrUnknownOutcome, err)
	case errors.Is(err, wire.ErrUnreachable), errors.Is(err, wire.ErrNoLeader):
		return errors.Join(consensus.ErrNoLeader, err)
	case errors.Is(err, wire.ErrNotLeader):
		return errors.Join(consensus.ErrNotLeader, err)
	case ok && remote.Code == codeTransferring:
		return errors.Join(consensus.ErrTransferring, err)
	case ok && remote.Code == codeStopped:
		return errors.Join(consensus.ErrNoLeader, err)
	case ok && remote.Code == wire.CodeRefused:
		return refusedText(remote.Text)
	}
	return err
}

// remotePeers are the other nodes, for consensus.
type remotePeers struct{ client *wire.Client }

// Forward hands a proposal to the leader.
func (r remotePeers) Forward(ctx context.Context, id string, data []byte) ([]byte, error) {
	answer, err := r.client.Forward(ctx, id, data)
	return answer, decode(err)
}

// Arm announces a transfer to its target.
func (r remotePeers) Arm(ctx context.Context, id string, term uint64) error {
	return decode(r.client.Arm(ctx, id, term))
}

// refusalText is how an *api.Error travels inside wire's text, so that code and hint arrive.
func refusalText(e *api.Error) string {
	b, err := json.Marshal(e)
	if err != nil {
		return e.Error()
	}
	return string(b)
}

func refusedText(text string) error {
	var e api.Error
	if json.Unmarshal([]byte(text), &e) == nil && e.Title != "" {
		return &e
	}
	return api.Errorf(api.CodeRefused, "%s", text)
}

// The paths that members ask of each other.
const (
	pathLocal    = "/agent/1/local"
	pathStatus   = "/agent/1/status"
	pathTransfer = "/agent/1/transfer"
	pathSpare    = "/agent/1/spare"
	pathAdmit    = "/agent/1/admit"
	pathRestart  = "/agent/1/restart"
	pathRotate   = "/agent/1/rotate"
	pathCertify  = "/agent/1/certify"
	pathCAKey    = "/agent/1/ca-key"
	pathForesee  = "/agent/1/foresee"
	pathSights   = "/agent/1/sights"
	pathHanded   = "/agent/1/handed"
	pathMoving   = "/agent/1/moving"

	pathConnections = "/agent/1/connections"
	pathStats       = "/agent/1/stats"
	pathCPUStats    = "/agent/1/cpu-stats"
	pathIPVS        = "/agent/1/ipvs"
	pathDoctor      = "/agent/1/doctor"
	pathCheck       = "/agent/1/check"
	pathNotice      = "/agent/1/notice"
	pathVirtuals    = "/agent/1/virtuals"
	pathVirtual     = "/agent/1/virtual"
	pathHistory     = "/agent/1/rates"
	pathEvents      = "/agent/1/events"
)

// briefly asks pathLocal and pathStatus for api.Brief. A release that does not know it answers with everything, which is right too.
const briefly = "brief"

// serveMembers answers the other members.
func (b *body) serveMembers(ctx context.Context, m *member, l net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathLocal, detailed(func(d api.Detail) (said, error) { return said{b.statusHere(d), b.sight()}, nil }))
	mux.HandleFunc("GET "+pathStatus, detailed(func(d api.Detail) (api.Status, error) { return b.leaderStatus(m, d) }))
	mux.HandleFunc("POST "+pathSpare, answer(b.leadSpare))
	mux.HandleFunc("POST "+pathTransfer, answer(b.leadTransfer))
	mux.HandleFunc("POST "+pathAdmit, answer(func(ctx context.Context, a application) (welcome, error) {
		if who, ok := wire.PeerFrom(ctx); !ok || who.Kind != trust.KindRouter { // the answer may hold the CA's key
			return welcome{}, api.Errorf(api.CodeRefused, "a witness admits nobody").WithHint("ask a router to join")
		}
		return b.leadAdmit(ctx, m, a)
	}))
	mux.HandleFunc("POST "+pathRestart, answer(b.restartAsked))
	mux.HandleFunc("POST "+pathRotate, answer(func(ctx context.Context, _ struct{}) (api.Done, error) { return b.rotateOwn(ctx, m) }))
	mux.HandleFunc("POST "+pathCertify, answer(func(ctx context.Context, r certifyRequest) (certified, error) { return b.certifyPeer(ctx, m, r) }))
	mux.HandleFunc("POST "+pathCAKey, answer(func(ctx context.Context, k caKey) (caKey, error) { return b.giveCAKey(ctx, m, k) }))
	mux.HandleFunc("POST "+pathSights, answer(b.toldSights))
	mux.HandleFunc("POST "+pathHanded, answer(b.toldHanded))
	mux.HandleFunc("POST "+pathMoving, answer(b.toldMoving))
	mux.HandleFunc("POST "+pathForesee, answer(b.foreseeFor))
	mux.HandleFunc("POST "+pathConnections, answer(b.connections))
	mux.HandleFunc("POST "+pathStats, answer(b.stats))
	mux.HandleFunc("POST "+pathCPUStats, answer(b.cpuStats))
	mux.HandleFunc("POST "+pathIPVS, answer(b.ipvs))
	mux.HandleFunc("POST "+pathDoctor, answer(func(ctx context.Context, _ struct{}) (api.Findings, error) { return b.examine(ctx), nil }))
	mux.HandleFunc("POST "+pathCheck, answer(b.runCheck))
	mux.HandleFunc("POST "+pathNotice, answer(b.tryNotice))
	mux.HandleFunc("GET "+pathVirtuals, selected(b.leaderVirtuals))
	mux.HandleFunc("GET "+pathVirtual, selected(b.leaderVirtual))
	mux.HandleFunc("GET "+pathHistory, selected(func(r api.HistoryRequest) (api.History, error) { return b.history(ctx, r) }))
	mux.HandleFunc("POST "+pathHistory, answer(b.history))
	mux.HandleFunc("POST "+pathEvents, answer(func(_ context.Context, r ringAsked) (ringTold, error) { return b.a.ringFor(r), nil }))
	return wire.NewPeerServer(wire.PeerServerOptions{
		Receiver: tellingReceiver{m.node}, Extra: mux, Encode: encode, Log: b.a.log.With("part", "wire"),
	}).Run(ctx, l)
}

// tellingReceiver has refusals travel whole.
type tellingReceiver struct{ *consensus.Node }

func (t tellingReceiver) Receive(ctx context.Context, data []byte) ([]byte, error) {
	out, err := t.Node.Receive(ctx, data)
	if e, ok := errors.AsType[*api.Error](err); ok {
		return nil, wire.Refused{Text: refusalText(e)}
	}
	return out, err
}

// answer is a handler that decodes a request and writes what h answers, an *api.Error whole.
func answer[I, O any](h func(context.Context, I) (O, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in I
		if r.Method == http.MethodPost {
			if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, fsm.MaxPlain)).Decode(&in); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
		}
		out, err := h(r.Context(), in)
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			e := asAPIError(err)
			w.WriteHeader(e.Status)
			_ = json.NewEncoder(w).Encode(e) // who asked has gone; there is nobody to tell
			return
		}
		_ = json.NewEncoder(w).Encode(out)
	}
}

// detailed is the handler of a status.
func detailed[O any](h func(api.Detail) (O, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		detail := api.Whole
		if r.URL.RawQuery == briefly {
			detail = api.Brief
		}
		answer(func(context.Context, struct{}) (O, error) { return h(detail) })(w, r)
	}
}

// selecting is the query by which a member is asked for a selection; selected reads it.
func selecting(in any) string {
	b, err := json.Marshal(in)
	if err != nil {
		panic(err) // a request of /v1, whose every value has a form in JSON
	}
	return "?select=" + url.QueryEscape(string(b))
}

// selected is a handler that answers what selecting asks for.
func selected[I, O any](h func(I) (O, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in I
		if err := json.Unmarshal([]byte(r.FormValue("select")), &in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer(func(context.Context, struct{}) (O, error) { return h(in) })(w, r)
	}
}

// longestAnswer is more than one about 40,000 servers: a member's answer is believed, and yet bounded.
const longestAnswer = 64 << 20

// askPeer asks one member and decodes its answer; a refusal arrives as the *api.Error it was.
func askPeer[O any](ctx context.Context, m *member, id, method, path string, in any) (O, error) {
	var out O
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return out, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+id+path, body)
	if err != nil {
		return out, err
	}
	resp, err := m.peers.HTTP(id).Do(req)
	if err != nil {
		return out, api.Errorf(api.CodeUnreachable, "router %s does not answer", m.nameOf(id)).WithReason(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, longestAnswer))
	if err != nil {
		return out, api.Errorf(api.CodeUnreachable, "router %s: %v", m.nameOf(id), err)
	}
	if resp.StatusCode != http.StatusOK {
		var e api.Error
		if json.Unmarshal(text, &e) != nil || e.Title == "" {
			return out, fmt.Errorf("router %s answers %s", m.nameOf(id), resp.Status)
		}
		e.Status = resp.StatusCode
		return out, &e
	}
	return out, json.Unmarshal(text, &out)
}

// askLeader asks the leader, or says that there is none, after some patience: an election takes a moment. here answers when
// this node leads.
func askLeader[O any](ctx context.Context, b *body, here func() (O, error), method, path string, in any) (O, error) {
	var none O
	m := b.member
	if m == nil {
		return none, b.notMember()
	}
	if err := b.removal(); err != nil {
		return none, err
	}
	var out O
	var err error
	asked := func() bool {
		if _, known := m.node.Leader(); !known {
			err = noLeader(m)
			return false
		}
		out, err = askLeaderOnce(ctx, m, here, method, path, in)
		return method != http.MethodGet || api.CodeOf(err) != api.CodeNoLeader
	}
	_ = waitUpTo(ctx, 3*m.profile.H, asked) // err tells more
	return out, err
}

func askLeaderOnce[O any](ctx context.Context, m *member, here func() (O, error), method, path string, in any) (O, error) {
	var none O
	id, known := m.node.Leader()
	switch {
	case !known:
		return none, noLeader(m)
	case id == m.id:
		return here()
	case m.peers == nil:
		return none, noLeader(m)
	}
	return askPeer[O](ctx, m, id, method, path, in)
}

// named is an error's text with the nodes' names for their IDs.
func (m *member) named(err error) string {
	text := err.Error()
	for _, n := range m.state.Load().Nodes {
		text = strings.ReplaceAll(text, n.ID, n.Name)
	}
	return text
}

// nameOf is a node's name, or its ID when that is all there is.
func (m *member) nameOf(id string) string {
	if n, ok := m.state.Load().Node(id); ok {
		return n.Name
	}
	return id
}
