package agent

import (
	"encoding/json"
	"net/http"

	"polso/api"
	"polso/web"
)

// handler is all that the door answers.
func (d *door) handler() (http.Handler, error) {
	log := d.a.log.With("part", "web")
	v1 := api.New(d.a, d.a.o.Version)
	pages, err := web.New(web.Options{API: api.Inside(v1), Log: log})
	if err != nil {
		return nil, err
	}
	closed, err := web.Closed(log)
	if err != nil {
		return nil, err
	}
	gate := api.NewGate(api.GateOptions{State: d.a.State, SessionKey: func() ([]byte, error) { return d.a.current.Load().sessionKey() }, Log: log})
	rooms := http.NewServeMux()
	rooms.Handle("/livez", v1)
	rooms.Handle("/readyz", v1)
	for _, path := range []string{"/v1/", "/openapi.json", "/openapi.yaml", "/schemas/"} {
		rooms.Handle(path, d.inside(v1, refuse))
	}
	rooms.Handle("GET "+metricsPath, d.inside(api.Require("GET "+metricsPath, d.a.metrics), refuse))
	rooms.Handle("/", d.inside(pages, closed))
	apart := http.NewCrossOriginProtection()
	apart.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, api.Errorf(api.CodeDenied, "this request comes from another site, so it is not made").WithHint("ask from a page of this router: https://%s/", r.Host))
	}))
	return paced(apart.Handler(api.Authenticate(bounded(rooms), gate))), nil
}

// refuse answers with why, as under /v1.
func refuse(w http.ResponseWriter, _ *http.Request, why *api.Error) {
	w.Header().Set("Content-Type", why.ContentType(""))
	w.WriteHeader(why.Status)
	_ = json.NewEncoder(w).Encode(why) // who asked has gone; there is nobody to tell
}

// inside has next answer while this node can know who asks; else closed tells why it does not.
func (d *door) inside(next http.Handler, closed func(http.ResponseWriter, *http.Request, *api.Error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := d.a.current.Load().closed(); why != nil {
			closed(w, r, why)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// closed is why nobody gets in here by the door, nil if nothing speaks against it: users, and with what they prove who they are, are the
// cluster's, and a witness has not the key that sessions are signed with.
func (b *body) closed() *api.Error {
	switch {
	case b.member == nil:
		return b.notMember()
	case b.witness():
		return api.Errorf(api.CodeRefused, "this node is a witness: it votes, and shows nothing of the cluster").WithHint("ask one of the routers")
	}
	return nil
}

// bounded cuts off a body that is larger than who asks may send.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most := int64(maxStrange)
		if _, ok := api.CallerOf(r.Context()); ok {
			most = maxBody
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
		next.ServeHTTP(w, r)
	})
}
