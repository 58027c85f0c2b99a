package api

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// problemJSON is the media type of every refusal (RFC 9457).
const problemJSON = "application/problem+json"

// wireError makes sure that what leaves is an *Error and nothing around it.
func wireError(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return Errorf(CodeTimeout, "it took too long; it may still be done").WithHint("polso status")
	}
	return Errorf(CodeInternal, "something went wrong on this router").WithDetail("%v", err).
		WithHint("the agent's log says more; polso doctor looks for what this router lacks")
}

// inOurWords has the HTTP framework's own refusals (a body that does not fit its schema, say) look like all others. It is
// a huma.Transformer.
func inOurWords(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	e := &Error{Status: m.Status, Code: codeOfStatus(m.Status), Title: "the request is not understood", Detail: m.Detail}
	if e.Code == CodeInternal {
		e.Title = "something went wrong on this router"
	}
	for _, p := range m.Errors {
		where := strings.TrimPrefix(strings.TrimPrefix(p.Location, "body"), ".")
		if where == "" {
			where = "request"
		}
		e.Problems = append(e.Problems, where+": "+p.Message)
		if field, ok := strings.CutPrefix(p.Location, "body."); ok && len(m.Errors) == 1 && !strings.ContainsAny(field, ".[") {
			e.Field = field
		}
	}
	return e, nil
}

// codeOfStatus is the code of what the HTTP framework refuses by itself.
func codeOfStatus(status int) Code {
	switch {
	case status == http.StatusNotFound:
		return CodeNotFound
	case status == http.StatusRequestTimeout:
		return CodeTimeout
	case status >= http.StatusInternalServerError:
		return CodeInternal
	default:
		return CodeInvalid
	}
}

// elsewhere answers what no route of mux does, and says so where one takes another method.
func elsewhere(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e := Errorf(CodeNotFound, "%s %s is not served here", r.Method, r.URL.Path).WithHint("/openapi.yaml lists what is; is the agent of another release?")
		var methods []string
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			if _, pattern := mux.Handler(&http.Request{Method: method, Host: r.Host, URL: r.URL}); pattern != "/" {
				methods = append(methods, method)
			}
		}
		if len(methods) > 0 {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			e.Status, e.Code = http.StatusMethodNotAllowed, CodeInvalid
			e.Detail = "it takes " + strings.Join(methods, " and ")
		}
		writeProblem(w, e)
	}
}

// refusalResponse describes a refusal for the OpenAPI description.
func refusalResponse(a huma.API) *huma.Response {
	schema := a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Error](), true, "Error")
	return &huma.Response{Description: "Refused", Content: map[string]*huma.MediaType{problemJSON: {Schema: schema}}}
}
