package api

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"polso/config"
	"polso/fsm"
)

// Override is an operator's word that stands beside the document.
type Override struct {
	Target string     `json:"target" doc:"server/web/a, address/10.0.0.11 (every server there) or router/r1"`
	Kind   string     `json:"kind" enum:"drain,disable,weight,up,down" doc:"up, down: whatever the check says"`
	Weight *int       `json:"weight,omitempty" doc:"with weight"`
	By     string     `json:"by"`
	At     time.Time  `json:"at"`
	Until  *time.Time `json:"until,omitempty" doc:"when it ends by itself"`
	Reason string     `json:"reason,omitempty"`
}

// OverrideOf is how an override is told.
func OverrideOf(o fsm.Override) Override {
	out := Override{Target: o.Target, Kind: o.Kind, By: o.By.Name, At: o.At, Reason: o.Reason}
	if o.Kind == fsm.Weight {
		out.Weight = &o.Weight
	}
	if !o.Until.IsZero() {
		out.Until = &o.Until
	}
	return out
}

// OverridesOf is how overrides are told; nil for none.
func OverridesOf(list []fsm.Override) []Override {
	var out []Override
	for _, o := range list {
		out = append(out, OverrideOf(o))
	}
	return out
}

// OverrideRequest says something of a server, or of every server at an address, instead of what was said of the same: its traffic
// (drain, disable), its weight, its health (up, down).
type OverrideRequest struct {
	Target string     `json:"target" maxLength:"1024" doc:"server/web/a, or address/10.0.0.11"`
	Kind   string     `json:"kind" enum:"drain,disable,weight,up,down" doc:"of an address drain or disable"`
	Weight int        `json:"weight,omitempty" minimum:"0" maximum:"65535" doc:"with weight"`
	For    float64    `json:"for_seconds,omitempty" minimum:"0" doc:"ends by itself after so long; 0: not"`
	Until  *time.Time `json:"until,omitempty" doc:"ends by itself then; instead of for_seconds"`
	Reason string     `json:"reason,omitempty" maxLength:"1000" doc:"why, for whoever looks at the status"`
}

// ClearRequest takes back what was said.
type ClearRequest struct {
	Target string `query:"target" json:"-" required:"true" maxLength:"1024" doc:"server/web/a, or address/10.0.0.11"`
	About  string `query:"about" json:"-" enum:"traffic,weight,health" doc:"traffic is drain and disable, health up and down; default: all"`
}

func (s *server) overrideRoutes(a huma.API) {
	get(a, "list-overrides", "/v1/overrides", "What operators said of servers, addresses and routers", func(ctx context.Context, _ *none) ([]Override, error) {
		snap, err := s.State(ctx)
		if err != nil {
			return nil, err
		}
		return append([]Override{}, OverridesOf(snap.Overrides)...), nil
	})
	post(a, "set-override", "/v1/overrides", "Drain, disable, weigh or force a server", func(ctx context.Context, i *in[OverrideRequest]) (Done, error) {
		return s.setOverride(ctx, i.Body)
	})
	del(a, "clear-override", "/v1/overrides", "Take back what was said of a server", s.clearOverride)
}

// Overrides lists what operators said.
func (c *Client) Overrides(ctx context.Context) ([]Override, error) {
	return ask[[]Override](ctx, c, http.MethodGet, "/v1/overrides", nil)
}

// SetOverride says something of a server, or of every server at an address.
func (c *Client) SetOverride(ctx context.Context, r OverrideRequest) (Done, error) {
	return ask[Done](ctx, c, http.MethodPost, "/v1/overrides", r)
}

// ClearOverride takes back what was said of it.
func (c *Client) ClearOverride(ctx context.Context, r ClearRequest) (Done, error) {
	q := url.Values{"target": {r.Target}}
	if r.About != "" {
		q.Set("about", r.About)
	}
	return ask[Done](ctx, c, http.MethodDelete, "/v1/overrides?"+q.Encode(), nil)
}

func (s *server) setOverride(ctx context.Context, req OverrideRequest) (Done, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return Done{}, err
	}
	about, err := subjectOf(snap, req.Target)
	if err != nil {
		return Done{}, err
	}
	if about.whole() && req.Kind != fsm.Drain && req.Kind != fsm.Disable {
		return Done{}, Errorf(CodeInvalid, "what is at %s has no one %s", about.address, map[bool]string{true: "weight", false: "health"}[req.Kind == fsm.Weight]).
			WithHint("say it of each server: polso get servers lists them")
	}
	until, err := ends(req.For, req.Until, time.Now())
	if err != nil {
		return Done{}, err
	}
	set := &fsm.SetOverride{Target: about.target, Kind: req.Kind, Until: until, Reason: strings.TrimSpace(req.Reason), Beside: true}
	if req.Kind == fsm.Weight {
		set.Weight = req.Weight
	}
	if _, err := s.Propose(ctx, actorOf(ctx), fsm.NewRequest(), set); err != nil {
		return Done{}, err
	}
	if snap, err = s.State(ctx); err != nil {
		return Done{}, err
	}
	said := about.String() + " " + map[string]string{
		fsm.Drain: "is drained", fsm.Disable: "is disabled", fsm.Weight: fmt.Sprintf("has weight %d", set.Weight),
		fsm.Up: "counts as up, whatever its check says,", fsm.Down: "counts as down, whatever its check says,",
	}[req.Kind]
	if until.IsZero() {
		said = strings.TrimSuffix(said, ",")
	} else {
		said += " until " + until.Format(time.RFC3339)
	}
	return Done{Schema: Schema, Done: []string{said + ". Undo: " + about.undo(fsm.Override{Kind: req.Kind}.About())}, Warnings: about.nobodyServes(snap)}, nil
}

func (s *server) clearOverride(ctx context.Context, req *ClearRequest) (Done, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return Done{}, err
	}
	about, err := subjectOf(snap, req.Target)
	if err != nil {
		return Done{}, err
	}
	_, err = s.Propose(ctx, actorOf(ctx), fsm.NewRequest(), &fsm.ClearOverride{Target: about.target, About: req.About})
	if CodeOf(err) == CodeNotFound {
		return Done{}, about.nothingSaid(snap, req.About)
	}
	if err != nil {
		return Done{}, err
	}
	if snap, err = s.State(ctx); err != nil {
		return Done{}, err
	}
	done := Done{Schema: Schema, Done: []string{about.String() + " is as the document says."}}
	if left := about.said(snap); len(left) > 0 {
		done.Done = []string{about.String() + ": taken back."}
		done.Warnings = []string{"it goes on to be " + strings.Join(left, ", ") + ": polso get overrides"}
	}
	return done, nil
}

// subject is what an override is about.
type subject struct {
	target  string
	address netip.Addr // valid: whatever is there
	servers []ofVirtual
}

// ofVirtual is a server of a virtual.
type ofVirtual struct {
	virtual config.Virtual
	server  config.Server
}

func (o ofVirtual) String() string { return o.virtual.Name + "/" + o.server.Name }

// subjectOf reads a target and finds its servers in the running document.
func subjectOf(snap *fsm.Snapshot, target string) (subject, error) {
	kind, name, _ := strings.Cut(target, "/")
	switch kind {
	case "server":
		virtual, server, _ := strings.Cut(name, "/")
		return serverSubject(snap, virtual, server)
	case "address":
		addr, err := netip.ParseAddr(name)
		if err != nil {
			return subject{}, Errorf(CodeInvalid, "%q is not an address", name).WithHint("name it as the document does, without a port: 10.0.0.11")
		}
		return addressSubject(snap, addr.Unmap().WithZone(""))
	case "router":
		return subject{}, Errorf(CodeInvalid, "a router is drained in other words").WithHint("polso drain router %s", name)
	default:
		return subject{}, Errorf(CodeInvalid, "%q names no server", target).WithHint("server/VIRTUAL/SERVER, or address/ADDRESS")
	}
}

func serverSubject(snap *fsm.Snapshot, virtual, server string) (subject, error) {
	i := slices.IndexFunc(snap.Document.Virtuals, func(v config.Virtual) bool { return v.Name == virtual })
	if i < 0 {
		return subject{}, Errorf(CodeNotFound, "virtual %q is not there", virtual).WithHint("polso get virtuals lists what is")
	}
	v := snap.Document.Virtuals[i]
	j := slices.IndexFunc(v.Servers, func(s config.Server) bool { return s.Name == server })
	if j < 0 {
		return subject{}, Errorf(CodeNotFound, "virtual %q has no server %q", virtual, server).WithHint("polso get servers %s lists them", virtual)
	}
	return subject{target: fsm.ServerTarget(virtual, server), servers: []ofVirtual{{v, v.Servers[j]}}}, nil
}

func addressSubject(snap *fsm.Snapshot, addr netip.Addr) (subject, error) {
	out := subject{target: fsm.AddressTarget(addr), address: addr}
	for _, v := range snap.Document.Virtuals {
		for _, s := range slices.Concat(v.Servers, v.Sorry) {
			if s.Address.Addr() == addr {
				out.servers = append(out.servers, ofVirtual{v, s})
			}
		}
	}
	if len(out.servers) == 0 {
		return out, Errorf(CodeNotFound, "no server has the address %s", addr).WithHint("polso get servers lists them")
	}
	return out, nil
}

// whole tells whether it is about whatever is at an address.
func (s subject) whole() bool { return s.address.IsValid() }

// String begins a sentence.
func (s subject) String() string {
	if !s.whole() {
		return "Server " + s.servers[0].String()
	}
	names := make([]string, len(s.servers))
	for i, o := range s.servers {
		names[i] = o.String()
	}
	return fmt.Sprintf("%s (%s)", s.address, strings.Join(names, ", "))
}

// undo is the command that takes a word back.
func (s subject) undo(about string) string {
	switch {
	case s.whole():
		return "polso maintain " + s.address.String() + " --end"
	case about == fsm.AboutWeight:
		return "polso weight " + s.servers[0].String() + " --reset"
	case about == fsm.AboutHealth:
		return "polso force off " + s.servers[0].String()
	default:
		return "polso enable server " + s.servers[0].String()
	}
}

// said are the words that are left about it, those about its address too.
func (s subject) said(snap *fsm.Snapshot) []string {
	list := snap.OverridesOf(s.target)
	if !s.whole() {
		list = slices.Concat(list, snap.OverridesOf(fsm.AddressTarget(s.servers[0].server.Address.Addr())))
	}
	var out []string
	for _, o := range list {
		word := map[string]string{fsm.Drain: "drained", fsm.Disable: "disabled", fsm.Weight: fmt.Sprintf("of weight %d", o.Weight), fsm.Up: "forced up", fsm.Down: "forced down"}[o.Kind]
		if o.Target != s.target {
			word += " with all of " + strings.TrimPrefix(o.Target, "address/")
		}
		out = append(out, word)
	}
	return out
}

// nothingSaid says why there is nothing to take back.
func (s subject) nothingSaid(snap *fsm.Snapshot, about string) error {
	what := map[string]string{fsm.AboutTraffic: "neither drained nor disabled", fsm.AboutWeight: "of the weight that the document gives", fsm.AboutHealth: "not forced"}[about]
	if what == "" {
		what = "as the document says"
	}
	e := Errorf(CodeNotFound, "%s is %s", s, what)
	if left := s.said(snap); len(left) > 0 {
		return e.WithDetail("it is %s", strings.Join(left, ", ")).WithHint("polso get overrides")
	}
	return e.WithHint("polso get overrides lists what is")
}

// nobodyServes warns of the virtuals whose servers operators have all taken away. That is allowed, and may not be meant.
func (s subject) nobodyServes(snap *fsm.Snapshot) []string {
	var out []string
	warned := make(map[string]bool)
	for _, o := range s.servers {
		if v := o.virtual; !warned[v.Name] && !slices.ContainsFunc(v.Servers, func(s config.Server) bool { return takes(snap, v, s) }) {
			warned[v.Name] = true
			out = append(out, fmt.Sprintf("virtual %s has no server left that takes new connections", v.Name))
		}
	}
	return out
}

// takes tells whether a server takes new connections while its check is well, as document and operators say.
func takes(snap *fsm.Snapshot, v config.Virtual, s config.Server) bool {
	weight := s.Weight
	for _, o := range slices.Concat(snap.OverridesOf(fsm.ServerTarget(v.Name, s.Name)), snap.OverridesOf(fsm.AddressTarget(s.Address.Addr()))) {
		switch o.Kind {
		case fsm.Weight:
			weight = o.Weight
		case fsm.Drain, fsm.Disable, fsm.Down:
			return false
		}
	}
	return weight > 0
}
