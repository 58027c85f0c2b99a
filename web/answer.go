package web

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"polso/api"
)

// problemOf is err as the interface under /v1 tells it.
func problemOf(err error) *api.Error {
	if e, ok := errors.AsType[*api.Error](err); ok {
		return e
	}
	return api.Errorf(api.CodeInternal, "something went wrong on this router").WithDetail("%v", err).WithHint("the agent's log says more")
}

// statusOf is the status of a page that tells why something was refused; nil: nothing was.
func statusOf(refused *api.Error) int {
	if refused == nil {
		return http.StatusOK
	}
	return refused.Status
}

// doneCookie carries what was done to the page that is shown next, which takes it away. Nobody but this site can set it.
const doneCookie = "polso_done"

// done goes on to another page of this site, which tells what was done.
func done(w http.ResponseWriter, r *http.Request, to, text string) {
	if len(text) > 1024 {
		text = text[:1024]
	}
	http.SetCookie(w, &http.Cookie{
		Name: doneCookie, Value: base64.RawURLEncoding.EncodeToString([]byte(text)), Path: "/", MaxAge: 60,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// outcomes are what was done, and what the caller may not have meant, in sentences.
func outcomes(did api.Done) string {
	return strings.Join(append(slices.Clone(did.Done), did.Warnings...), " ")
}

// takeDone is what the page before left to be told, and takes it away.
func takeDone(w http.ResponseWriter, r *http.Request) string {
	c, err := r.Cookie(doneCookie)
	if err != nil {
		return ""
	}
	http.SetCookie(w, &http.Cookie{Name: doneCookie, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return ""
	}
	return strings.ToValidUTF8(string(text), "")
}

// returnTo is the page that was asked for, for the query of the sign-in page.
func returnTo(r *http.Request) string {
	if r.Method != http.MethodGet {
		return url.QueryEscape("/")
	}
	return url.QueryEscape(r.URL.RequestURI())
}

// local is to if it is a page of this site, else its first page: nobody is sent elsewhere by a link to the sign-in page.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n") {
		return "/"
	}
	return u.RequestURI()
}
