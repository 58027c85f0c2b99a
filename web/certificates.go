package web

import (
	"net/http"

	"polso/api"
)

// certificateRoutes are the certificates between the members.
func (s *site) certificateRoutes(mux routes) {
	mux.HandleFunc("GET /redundancy/certificates", func(w http.ResponseWriter, r *http.Request) {
		have, err := s.api.Certificates(r.Context())
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		s.show(w, r, "certificates", "redundancy", "Certificates", have)
	})
	mux.HandleFunc("GET /redundancy/certificates/rotate", s.toAsk("rotate-certificates", func(w http.ResponseWriter, r *http.Request) {
		s.ask(w, r, "redundancy", rotateQuestion(r.FormValue("what")), nil)
	}))
	mux.HandleFunc("POST /redundancy/certificates/rotate", s.rotate)
}

func rotateQuestion(what string) question {
	q := question{
		Title:  "Give this router a new certificate?",
		Says:   []string{"It gets a new key and certificate while it serves: its connections to the others are made anew, no client notices. The old certificate is not revoked: who has a copy of it and its key can use it."},
		To:     "/redundancy/certificates/rotate",
		Fields: []choice{{"what", what}}, Button: "Renew it", Back: "/redundancy/certificates",
	}
	switch what {
	case "all":
		q.Title = "Give every router a new certificate?"
		q.Says = []string{"Each gets a new key and certificate, one after the other, while they serve: connections between them are made anew, no client notices. The old ones are not revoked: who has a copy of one and its key can use it."}
		q.Button = "Renew them all"
	case "ca":
		q.Title = "Give the cluster a new CA?"
		q.Says = []string{
			"For a key that was stolen or a disk that was sold: every router begins to trust the new CA, then each gets a certificate of it, then the old one is dropped, and whoever shows it is refused.",
			"Each step waits for every router, and one that does not answer holds it up. Join tokens that were made before end with the old CA. No client notices.",
		}
		q.Button, q.Danger = "Take a new CA", true
	}
	return q
}

func (s *site) rotate(w http.ResponseWriter, r *http.Request) {
	what := r.PostFormValue("what")
	did, err := s.api.RotateCertificates(r.Context(), api.RotateRequest{All: what == "all", CA: what == "ca"})
	if err != nil {
		s.ask(w, r, "redundancy", rotateQuestion(what), err)
		return
	}
	done(w, r, "/redundancy/certificates", outcomes(did))
}
