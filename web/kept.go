package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"polso/api"
)

// Who sends a form after their session has ended must not lose what they wrote in it: the answer is the form again, to be sent once more
// after signing in beside it. It is made for whoever asks, so it is bounded.
const (
	mostKept    = 4 << 20 // bytes of a form
	keptAtATime = 4
)

// keptView is a form that waits for its sender to sign in, or to be known again.
type keptView struct {
	Why    *api.Error // why it cannot be known who sends it; nil: the session has ended
	Action string
	Fields []keptField // in order
}

type keptField struct{ Name, Value string }

// leadsToPlan tells whether what is posted to an address of this site does nothing but lead to a plan.
func leadsToPlan(path string) bool {
	return path == "/global" || path == "/changes/plan" || strings.HasPrefix(path, "/global/") && strings.Contains(path, "/edit/") ||
		slices.ContainsFunc([]string{"/add", "/edit", "/monitoring"}, func(end string) bool { return strings.HasSuffix(path, end) })
}

// keep answers a form that came without a session, or, if why says so, of whom it cannot be told whether they have one. It reports false where there is nothing to keep: the form would do something (a
// click does that again), it comes from elsewhere, is too long, or has a file or a secret in it; or too many are looked at just now.
func (s *site) keep(w http.ResponseWriter, r *http.Request, why *api.Error) bool {
	if r.Method != http.MethodPost || !leadsToPlan(r.URL.Path) || http.NewCrossOriginProtection().Check(r) != nil {
		return false
	}
	select {
	case s.keeping <- struct{}{}:
		defer func() { <-s.keeping }()
	default:
		return false
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostKept)
	if err := r.ParseForm(); err != nil || len(r.PostForm) == 0 || slices.ContainsFunc(names(r.PostForm), secret) {
		return false
	}
	v := keptView{Why: why, Action: r.URL.RequestURI()}
	for _, name := range names(r.PostForm) {
		for _, value := range r.PostForm[name] {
			if name == "do" && value == "apply" { // its plan is looked at once more
				continue
			}
			v.Fields = append(v.Fields, keptField{name, value})
		}
	}
	if why != nil {
		s.render(w, r, why.Status, "kept", "", why.Title, v)
		return true
	}
	s.render(w, r, http.StatusUnauthorized, "kept", "", "Sign in again", v)
	return true
}

func names(form url.Values) []string {
	var out []string
	for name := range form {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// secret tells whether a field of that name is one that no page shows.
func secret(name string) bool {
	return strings.Contains(name, "password") || strings.Contains(name, "token")
}
