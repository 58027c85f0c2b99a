package agent

import (
	"io"
	"net/http"
	"time"
)

// paced gives a body its time, and every piece of an answer its own: what is followed may go on for ever, and a client that reads
// nothing holds nothing. The deadlines are net/http's own, so setting them does not fail.
func paced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &pacer{w, http.NewResponseController(w)}
		if r.ContentLength != 0 {
			_ = p.control.SetReadDeadline(time.Now().Add(bodyTime))
			r.Body = &pacedBody{r.Body, p.control}
		}
		next.ServeHTTP(p, r)
		p.begin() // for what the server still holds
	})
}

// pacer is a ResponseWriter whose every write has its time.
type pacer struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (p *pacer) begin() { _ = p.control.SetWriteDeadline(time.Now().Add(writeTime)) }

// end: with HTTP/2 a deadline ends a stream even if nothing is being written.
func (p *pacer) end() { _ = p.control.SetWriteDeadline(time.Time{}) }

// Unwrap is for http.ResponseController.
func (p *pacer) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (p *pacer) WriteHeader(code int) {
	p.begin()
	defer p.end()
	p.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (p *pacer) Write(b []byte) (int, error) {
	p.begin()
	defer p.end()
	return p.ResponseWriter.Write(b)
}

// FlushError is for http.ResponseController.
func (p *pacer) FlushError() error {
	p.begin()
	defer p.end()
	return p.control.Flush()
}

// Flush implements http.Flusher.
func (p *pacer) Flush() { _ = p.FlushError() } // a client that has gone is met by the next write

// pacedBody gives the reader all the time it wants once the body is read.
type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

// Read implements io.Reader.
func (b *pacedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
