package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// tagged is the running document with its entity tag (RFC 9110, section 8.8.3): its revision.
type tagged struct {
	ETag string `header:"ETag" doc:"the revision, for If-Match"`
	Body Revision
}

// tagOf is the entity tag of a revision.
func tagOf(revision uint64) string { return `"` + strconv.FormatUint(revision, 10) + `"` }

// writes are a request that replaces the document, if it is still the one that its sender has seen.
type writes[T any] struct {
	IfMatch string `header:"If-Match" doc:"refuse with 412 unless this is the running document's ETag; as base_revision"`
	Body    T
}

// base is the revision that the sender has seen: of the tag, or of the body; 0 if neither says.
func base(tag string, body uint64) (uint64, error) {
	tag = strings.TrimSpace(tag)
	if tag == "" || tag == "*" { // there always is a document
		return body, nil
	}
	n, err := strconv.ParseUint(strings.Trim(tag, `"`), 10, 64)
	switch {
	case err != nil || n == 0 || tagOf(n) != tag:
		return 0, Errorf(CodeInvalid, "If-Match: %s is no tag of a document", tag).WithHint("send the ETag that GET /v1/document answered, as it came")
	case body != 0 && body != n:
		return 0, Errorf(CodeInvalid, "If-Match says revision %d, base_revision %d", n, body).WithHint("send one of the two")
	}
	return n, nil
}

// unmatched has a conflict look as who sent If-Match knows it (RFC 9110, section 15.5.13).
func unmatched(tag string, err error) error {
	if e, ok := err.(*Error); ok && strings.TrimSpace(tag) != "" && strings.TrimSpace(tag) != "*" && e.Code == CodeConflict {
		e.Status = http.StatusPreconditionFailed
	}
	return err
}

// taggedRoutes are what is done with the document by its tag.
func (s *server) taggedRoutes(a huma.API) {
	huma.Register(a, operation(a, http.MethodGet, "document", "/v1/document", "The running document"), func(ctx context.Context, i *documentRequest) (*tagged, error) {
		r, err := s.document(ctx, i)
		if err != nil {
			return nil, wireError(err)
		}
		return &tagged{ETag: tagOf(r.Number), Body: r}, nil
	})
	post(a, "apply", "/v1/document", "Replace the document", func(ctx context.Context, i *writes[ApplyRequest]) (done Applied, err error) {
		if i.Body.Base, err = base(i.IfMatch, i.Body.Base); err != nil {
			return Applied{}, err
		}
		done, err = s.apply(ctx, i.Body)
		return done, unmatched(i.IfMatch, err)
	})
	post(a, "rollback", "/v1/rollback", "Run an old document again, as a new revision", func(ctx context.Context, i *writes[RollbackRequest]) (done Applied, err error) {
		if i.Body.Base, err = base(i.IfMatch, i.Body.Base); err != nil {
			return Applied{}, err
		}
		done, err = s.rollback(ctx, i.Body)
		return done, unmatched(i.IfMatch, err)
	})
}
