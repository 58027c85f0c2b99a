package api

import (
	"bytes"
	"io"
	"net/http"
)

// Inside returns a client that asks h without a connection. A request has the context it is made with, and so its caller.
func Inside(h http.Handler) *Client {
	return &Client{base: "http://polso", addr: "this router", http: &http.Client{Transport: inside{h}}}
}

type inside struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (i inside) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &answer{header: make(http.Header), code: http.StatusOK}
	i.handler.ServeHTTP(w, r)
	return &http.Response{
		StatusCode: w.code, Status: http.StatusText(w.code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// answer keeps what a handler writes.
type answer struct {
	header http.Header
	code   int
	begun  bool
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter: the first one counts.
func (a *answer) WriteHeader(code int) {
	if !a.begun {
		a.code, a.begun = code, true
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	a.begun = true
	return a.body.Write(b)
}
