package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// SessionCookie is the cookie that a session is. Its name has browsers take it from this very host over TLS alone, for all of its paths
// (RFC 6265bis, section 4.1.3.2): no neighbour can plant one.
const SessionCookie = "__Host-polso"

// sessionLength is how long a session is good.
const sessionLength = 12 * time.Hour

// session is what a cookie says: who signed in. It is kept nowhere else, and says nothing of what they may do: that is looked up with
// each request.
type session struct {
	ID         string `json:"i"` // random, made at each signing in
	Kind       string `json:"k"` // fsm.ActorUser or fsm.ActorToken
	Name       string `json:"n"`
	Generation uint64 `json:"g"` // of the user or token
	End        int64  `json:"e"` // seconds since 1970
}

func (s session) end() time.Time { return time.Unix(s.End, 0) }

const maxCookie = 1024

// seal is the cookie's value: the session, and a MAC over it.
func (s session) seal(key []byte) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic("api: session: " + err.Error()) // numbers and strings always encode
	}
	body := base64.RawURLEncoding.EncodeToString(text)
	return body + "." + base64.RawURLEncoding.EncodeToString(macOf(key, body))
}

func macOf(key []byte, body string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte("polso session 1\x00" + body))
	return m.Sum(nil)
}

// openSession is the session that a cookie's value is, if it was sealed with key. Nothing of it is read before that is known.
func openSession(key []byte, value string) (session, bool) {
	body, sum, ok := strings.Cut(value, ".")
	if len(value) > maxCookie || !ok || len(key) == 0 {
		return session{}, false
	}
	got, err := base64.RawURLEncoding.DecodeString(sum)
	if err != nil || !hmac.Equal(got, macOf(key, body)) {
		return session{}, false
	}
	var s session
	text, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(text, &s) != nil {
		return session{}, false
	}
	return s, true
}

// cookie is the session for a browser to keep.
func (s session) cookie(key []byte) *http.Cookie {
	return &http.Cookie{
		Name: SessionCookie, Value: s.seal(key), Path: "/", Expires: s.end().UTC(), Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
}

// NoSession is the cookie that takes a session out of a browser.
func NoSession() *http.Cookie {
	return &http.Cookie{Name: SessionCookie, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
}
