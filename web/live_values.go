package web

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"polso/api"
	"polso/figures"
)

// scope is what a page shows beside the cluster in a line.
type scope struct {
	virtuals *api.VirtualsRequest // of the list, or those that the first page names
	virtual  string               // of one virtual's pages
	servers  api.ServersRequest
	server   string // the only one that the page shows; "": it is not one server's
}

// key is the same for pages that show the same.
func (sc scope) key() string {
	if sc.virtuals != nil {
		return fmt.Sprintf("%+v", *sc.virtuals)
	}
	return fmt.Sprintf("%q %+v %q", sc.virtual, sc.servers, sc.server)
}

// scopeOf reads a page's address, and the names of the virtuals that it shows if it says them.
func scopeOf(page string, names []string) (scope, error) {
	u, err := url.Parse(page)
	if err != nil || len(page) > 2000 || !strings.HasPrefix(u.Path, "/") {
		return scope{}, fmt.Errorf("%.100q is no page", page)
	}
	q := u.Query()
	number, _ := strconv.Atoi(q.Get("page")) // what is no number is the first page
	before := min(max(1, number), 1_000_000) - 1
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	switch {
	case u.Path == "/monitoring":
		return scope{virtuals: &api.VirtualsRequest{Names: names[:min(len(names), busiestShown)], Limit: busiestShown}}, nil
	case u.Path == "/virtuals" && len(names) > 0: // in an order that what they show may change: those that are there stay until the page is made anew
		names = names[:min(len(names), virtualsOnPage)]
		return scope{virtuals: &api.VirtualsRequest{Names: names, Limit: virtualsOnPage, Servers: true}}, nil
	case u.Path == "/virtuals":
		r := api.VirtualsRequest{Q: strings.TrimSpace(q.Get("q")), State: q.Get("state"), Offset: before * virtualsOnPage, Limit: virtualsOnPage, Servers: true}
		if !slices.Contains(virtualList{}.States(), r.State) {
			r.State = ""
		}
		return scope{virtuals: &r}, nil
	case len(parts) == 2 && parts[0] == "virtuals" && parts[1] != "add":
		return scope{virtual: parts[1], servers: api.ServersRequest{Offset: before * serversOnPage, Limit: serversOnPage}}, nil
	case len(parts) == 4 && parts[0] == "virtuals" && parts[2] == "servers":
		return scope{virtual: parts[1], servers: api.ServersRequest{Q: parts[3], Limit: serversFound}, server: parts[3]}, nil
	}
	return scope{}, nil
}

// stateText is a state as the page's script takes it: the style, the symbol, the word.
func stateText(word string) string {
	m := stateOf(word)
	return m.Class + " " + m.Symbol + " " + m.Word
}

// orNone is what the pages have where there is no router.
func orNone(name, none string) string {
	if name == "" {
		return none
	}
	return name
}

// frameValues are what every page has, addresses and members with it.
func frameValues(st api.Status) map[string]string {
	out := map[string]string{
		"cluster": st.Cluster, "health": stateText(string(st.Health)), "active": orNone(st.Active, "none"), "revision": strconv.FormatUint(st.Revision, 10),
	}
	for _, v := range st.VIPs {
		state := "down"
		if v.Held {
			state = "up"
		}
		out["vip/"+v.Address+"/on"], out["vip/"+v.Address+"/state"] = orNone(v.On, "-"), stateText(state)
	}
	for _, m := range st.Members {
		k := "member/" + m.Name + "/"
		out[k+"state"], out[k+"raft"] = stateText(m.State), m.Raft
		out[k+"behind"], out[k+"contact"] = strconv.FormatUint(m.Behind, 10), figures.Age(figures.Seconds(m.Contact))
		if m.Raft == "leader" || m.State == "unknown" {
			out[k+"behind"], out[k+"contact"] = "-", "-"
		}
	}
	return out
}

// frameShape is what pages are made anew for, whatever they show: what runs, who belongs to it, who directs, what troubles it.
func frameShape(st api.Status, trouble error) []string {
	out := []string{fmt.Sprint(st.Revision, st.Active, st.Health, st.Confirm != nil, trouble != nil, len(st.Overrides))}
	if since := st.ActiveSince; since != nil { // said a moment after who directs, and of a takeover by the same router anew
		out = append(out, since.String())
	}
	if f := st.LastFailover; f != nil {
		out = append(out, f.At.String())
	}
	for _, m := range st.Members {
		out = append(out, m.Name, m.Kind, m.State, m.Raft)
	}
	for _, v := range st.VIPs {
		out = append(out, v.Address, v.On)
	}
	for _, p := range st.Problems { // not why: that may count seconds
		out = append(out, p.Node, p.What)
	}
	return out
}

// virtualValues are those of a virtual and of the servers that the page shows.
func virtualValues(v api.ListedVirtual, servers []api.Server) map[string]string {
	k, of := "v/"+v.Name+"/", 0
	for _, n := range v.States {
		of += n
	}
	out := map[string]string{
		k + "state": stateText(v.State), k + "servers": fmt.Sprintf("%d/%d", v.States["up"], of), k + "active": strconv.Itoa(v.Active),
		k + "cps": figures.SI(v.Rates.Connections), k + "in": figures.Bits(v.Rates.BytesIn), k + "out": figures.Bits(v.Rates.BytesOut),
	}
	for _, s := range rowsOf(v.Name, servers) {
		k := s.Key() + "/"
		out[k+"state"], out[k+"weight"], out[k+"reason"] = stateText(s.State), s.WeightText(), s.Reason
		out[k+"active"], out[k+"inactive"], out[k+"cps"] = strconv.Itoa(s.Active), strconv.Itoa(s.Inactive), figures.SI(s.Rates.Connections)
		out[k+"in"], out[k+"out"] = figures.Bits(s.Rates.BytesIn), figures.Bits(s.Rates.BytesOut)
	}
	return out
}

// virtualShape is what pages that show a virtual are made anew for: what its servers are called, are, and are said to be.
func virtualShape(v api.ListedVirtual) []string {
	out := []string{v.Name, v.State}
	for _, s := range v.Servers {
		out = append(out, fmt.Sprint(s.Name, s.State, len(s.Overrides), len(s.Views)))
	}
	return out
}
