package web

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"polso/api"
	"polso/config"
)

// maxForm is how many bytes a form may bring: the longest text, were each of its bytes written as %XX, and more.
const maxForm = 16 << 20

// posted reads the form that r brings. What is too large, or no form, is refused.
func posted(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := r.ParseForm()
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return api.Errorf(api.CodeInvalid, "the form is longer than %d MiB; nothing was changed", maxForm>>20).
			WithHint("a text of the document has at most %d MiB", config.MaxText>>20)
	}
	if err != nil {
		return api.Errorf(api.CodeInvalid, "the form is not understood; nothing was changed").WithDetail("%v", err)
	}
	return nil
}

// pack is text for a hidden field: short, and with every byte as it is (a browser gives the lines of a field other ends).
func pack(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	var b bytes.Buffer
	to := base64.NewEncoder(base64.RawURLEncoding, &b)
	z := gzip.NewWriter(to)
	_, err := io.WriteString(z, text)
	if err := errors.Join(err, z.Close(), to.Close()); err != nil {
		return "", fmt.Errorf("draft: %w", err)
	}
	return b.String(), nil
}

// unpack is the text of a hidden field. One that is longer than any document is cut, and refused where it is read.
func unpack(field string) (string, error) { return unpackUpTo(field, config.MaxText+1) }

func unpackUpTo(field string, most int64) (string, error) {
	if field == "" {
		return "", nil
	}
	broken := func(err error) error {
		return api.Errorf(api.CodeInvalid, "the text came back damaged; nothing was changed").WithDetail("%v", err).WithHint("go back and send it again")
	}
	z, err := gzip.NewReader(base64.NewDecoder(base64.RawURLEncoding, strings.NewReader(field)))
	if err != nil {
		return "", broken(err)
	}
	text, err := io.ReadAll(io.LimitReader(z, most))
	if err != nil {
		return "", broken(err)
	}
	return string(text), nil
}

// proposalOf reads a proposal from a form: its text from the field that people write in, or from the hidden one.
func proposalOf(w http.ResponseWriter, r *http.Request) (proposal, error) {
	if err := posted(w, r); err != nil {
		return proposal{}, err
	}
	p := proposal{Message: strings.TrimSpace(r.PostFormValue("message")), Adopt: r.PostFormValue("adopt") != "", Request: r.PostFormValue("request")}
	var err error
	if p.Text, err = unpack(r.PostFormValue("draft")); err != nil {
		return p, err
	}
	if r.PostForm.Has("text") {
		p.Text = strings.ReplaceAll(r.PostFormValue("text"), "\r\n", "\n")
	}
	wrong := func(what, field string) error {
		return api.Errorf(api.CodeInvalid, "%s %q is not understood; nothing was changed", what, r.PostFormValue(field))
	}
	var now uint64
	for field, number := range map[string]*uint64{"base": &p.Base, "now": &now, "rollback": &p.Rollback} {
		if *number, err = number64(r.PostFormValue(field)); err != nil {
			return p, wrong("revision", field)
		}
	}
	if r.PostFormValue("do") == "rebase" { // what was changed meanwhile has been seen
		p.Base = now
	}
	if drain := strings.TrimSpace(r.PostFormValue("drain")); drain != "" {
		seconds, err := strconv.ParseFloat(drain, 64)
		if err != nil || !(seconds >= 0) {
			return p, wrong("the time of removed servers, in seconds,", "drain")
		}
		p.Drain = &seconds
	}
	if confirm := r.PostFormValue("confirm"); confirm != "" {
		if p.Confirm, err = strconv.ParseFloat(confirm, 64); err != nil || !(p.Confirm >= 0) {
			return p, wrong("the time to confirm, in seconds,", "confirm")
		}
	}
	return p, nil
}

// number64 is a number of a form or an address; "" is 0.
func number64(text string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	return strconv.ParseUint(text, 10, 64)
}
