package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"polso/api"
	"polso/fsm"
)

// handRoutes are what operators say of servers beside the document.
func (s *site) handRoutes(mux routes) {
	mux.HandleFunc("GET /virtuals/{name}/servers/{server}", s.server)
	mux.HandleFunc("GET /virtuals/{name}/servers/{server}/{$}", s.server)
	mux.HandleFunc("POST /virtuals/{name}/servers/{server}/hand", s.say)
}

// word is one thing that an operator can say of a server, or take back.
type word struct {
	Do    string // the button's value
	Label string
	Means string
	kind  string // of an api.OverrideRequest; "": it takes back
	about string // what it takes back; "": all that was said of the target
	Whole bool   // of everything at the server's address
	Cuts  bool   // established connections may end at once: it is asked for twice
}

// sayings are what can be said, in the order of the page.
var sayings = []word{
	{Do: "drain", Label: "Drain", kind: fsm.Drain, Means: "No new connections; those that it has live on."},
	{Do: "disable", Label: "Disable", kind: fsm.Disable, Cuts: true, Means: "Out of the table at once; its connections end."},
	{Do: "enable", Label: "Undrain, or enable", about: fsm.AboutTraffic, Means: "It takes connections again, as the document says."},
	{Do: "weight", Label: "Set the weight", kind: fsm.Weight, Means: "Instead of the document's weight; 0 takes no new connection."},
	{Do: "reset", Label: "The document's weight", about: fsm.AboutWeight, Means: "The document's weight counts again."},
	{Do: "up", Label: "Force up", kind: fsm.Up, Means: "It counts as up, whatever its check says."},
	{Do: "down", Label: "Force down", kind: fsm.Down, Cuts: true, Means: "It counts as down, whatever its check says: it leaves the table, or with on_failure = quiesce it gets weight 0."},
	{Do: "off", Label: "Do not force", about: fsm.AboutHealth, Means: "Its check counts again."},
	{Do: "maintain", Label: "Drain the address", kind: fsm.Drain, Whole: true, Means: "Every server at the address takes no new connections."},
	{Do: "maintain-now", Label: "Disable the address", kind: fsm.Disable, Whole: true, Cuts: true, Means: "Every server at the address leaves the table at once; their connections end."},
	{Do: "maintain-end", Label: "End the maintenance", Whole: true, Means: "What was said of the address is taken back."},
}

// serverPage is everything of one real server, and the operator's hand.
type serverPage struct {
	serverRow
	Of     api.ListedVirtual
	Others []serverRow // that have the same address, in whatever virtual
	Asked  *word       // it is to be asked once more
	Form   handForm
	Failed *api.Error
}

// handForm is what was said with a word.
type handForm struct {
	Weight, For, Reason   string
	In                    string // the way whose form it is
	WeightError, ForError string
}

// Wrong is what is wrong with the field "for" of a way's form.
func (f handForm) Wrong(way string) string {
	if f.In != way {
		return ""
	}
	return f.ForError
}

// Ways are the groups of words of the page.
func (serverPage) Ways() []way {
	by := func(title string, does ...string) way {
		w := way{Title: title}
		for _, x := range sayings {
			if slices.Contains(does, x.Do) {
				w.Words = append(w.Words, x)
			}
		}
		return w
	}
	return []way{
		by("Traffic", "drain", "disable", "enable"),
		by("Weight", "weight", "reset"),
		by("Health", "up", "down", "off"),
		by("Everything at its address", "maintain", "maintain-now", "maintain-end"),
	}
}

// way is words that stand instead of each other.
type way struct {
	Title string
	Words []word
}

// ID is the way's name in the page.
func (w way) ID() string { return strings.ToLower(strings.Fields(w.Title)[0]) }

// Weighs tells whether it takes a number.
func (w way) Weighs() bool { return w.Title == "Weight" }

// Whole tells whether it is about an address.
func (w way) Whole() bool { return w.Words[0].Whole }

// Cut is what can end now: connections of the server, or of all at its address if those are asked for.
func (p serverPage) Cut() string {
	n := p.Active
	if p.Asked != nil && p.Asked.Whole {
		n = 0
		for _, o := range p.Others {
			n += o.Active
		}
	}
	return plural(n)
}

// Last tells whether no other server of the virtual is up now.
func (p serverPage) Last() bool {
	up := p.Of.States["up"]
	if p.State == "up" {
		up--
	}
	return up <= 0
}

// VirtualPath is the address of its virtual's page.
func (p serverPage) VirtualPath() string { return pageTo("virtuals", p.Virtual) }

// serverOf asks for the server that a request is about, and for those that have its address.
func (s *site) serverOf(r *http.Request) (serverPage, error) {
	virtual, server := r.PathValue("name"), r.PathValue("server")
	v, err := s.api.Virtual(r.Context(), virtual, api.ServersRequest{Q: server, Limit: serversFound})
	if err != nil {
		return serverPage{}, err
	}
	i := slices.IndexFunc(v.Virtual.Servers, func(x api.Server) bool { return x.Name == server && !x.Sorry })
	if i < 0 {
		return serverPage{}, api.Errorf(api.CodeNotFound, "virtual server %q has no server %q", virtual, server).WithHint("its page lists those that it has")
	}
	page := serverPage{serverRow: serverRow{v.Virtual.Servers[i], virtual}, Of: v.Virtual}
	same, err := s.api.Virtuals(r.Context(), api.VirtualsRequest{Q: page.Address, Limit: 1000, Servers: true})
	if err != nil {
		return serverPage{}, err
	}
	for _, x := range same.Virtuals {
		for _, o := range rowsOf(x.Name, x.Servers) {
			if o.Address == page.Address {
				page.Others = append(page.Others, o)
			}
		}
	}
	return page, nil
}

func (s *site) server(w http.ResponseWriter, r *http.Request) {
	page, err := s.serverOf(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.show(w, r, "server", "virtuals", page.Virtual+"/"+page.Name, page)
}

// say does what an operator says of a server; what cuts connections is asked once more first.
func (s *site) say(w http.ResponseWriter, r *http.Request) {
	page, err := s.serverOf(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	page.Form = handForm{Weight: r.PostFormValue("weight"), For: strings.TrimSpace(r.PostFormValue("for")), Reason: r.PostFormValue("reason")}
	i := slices.IndexFunc(sayings, func(x word) bool { return x.Do == r.PostFormValue("do") })
	if i < 0 {
		s.refuse(w, r, api.Errorf(api.CodeInvalid, "the button %q does nothing", r.PostFormValue("do")))
		return
	}
	said := sayings[i]
	if said.Cuts && r.PostFormValue("sure") == "" {
		page.Asked = &said
		s.show(w, r, "server", "virtuals", page.Virtual+"/"+page.Name, page)
		return
	}
	answer, err := s.saying(r, &page, said)
	if err != nil {
		page.Failed = problemOf(err)
		s.render(w, r, page.Failed.Status, "server", "virtuals", page.Virtual+"/"+page.Name, page)
		return
	}
	done(w, r, page.Page(), strings.Join(append(answer.Done, answer.Warnings...), " "))
}

// saying says it; what is wrong with a field is noted in the page's form.
func (s *site) saying(r *http.Request, page *serverPage, said word) (api.Done, error) {
	target := fsm.ServerTarget(page.Virtual, page.Name)
	if said.Whole {
		target = "address/" + page.Address
	}
	if said.kind == "" {
		return s.api.ClearOverride(r.Context(), api.ClearRequest{Target: target, About: said.about})
	}
	req := api.OverrideRequest{Target: target, Kind: said.kind, Reason: page.Form.Reason}
	if said.kind == fsm.Weight {
		n, err := strconv.Atoi(strings.TrimSpace(page.Form.Weight))
		if err != nil || n < 0 || n > 65535 {
			page.Form.WeightError = "Write a number from 0 to 65535."
		}
		req.Weight = n
	}
	if page.Form.For != "" {
		length, err := time.ParseDuration(page.Form.For)
		if err != nil || length < time.Second {
			page.Form.ForError = "Write a time such as 90m or 2h, or nothing: until it is taken back."
		}
		req.For = length.Seconds()
	}
	if page.Form.WeightError != "" || page.Form.ForError != "" {
		for _, w := range page.Ways() {
			if slices.ContainsFunc(w.Words, func(x word) bool { return x.Do == said.Do }) {
				page.Form.In = w.ID()
			}
		}
		return api.Done{}, api.Errorf(api.CodeInvalid, "nothing is said of the server")
	}
	return s.api.SetOverride(r.Context(), req)
}

// overrideText is what an operator said, in a sentence.
func overrideText(o api.Override) string {
	text := map[string]string{"drain": "drained", "disable": "disabled", "up": "forced up", "down": "forced down"}[o.Kind]
	if o.Weight != nil {
		text = fmt.Sprintf("weight %d", *o.Weight)
	}
	if strings.HasPrefix(o.Target, "address/") {
		text += " with its address"
	}
	text += " by " + o.By
	if o.Until != nil {
		text += " until " + o.Until.UTC().Format(time.RFC3339)
	}
	if o.Reason != "" {
		text += ": " + o.Reason
	}
	return text
}

// Said is what operators said of the server.
func (s serverRow) Said() []string {
	var out []string
	for _, o := range s.Overrides {
		out = append(out, overrideText(o))
	}
	return out
}
