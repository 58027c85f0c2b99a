package health

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"polso/config"
)

// agentHTTP asks an agent by HTTP.
func agentHTTP(ctx context.Context, p prober, t Target) answer {
	t.Check.Kind = config.CheckHTTP
	req, err := request(ctx, t)
	if err != nil {
		return answer{Err: err}
	}
	got, s, err := p.exchange(ctx, t, req, func(status int) bool { return status == http.StatusOK })
	switch {
	case err != nil:
		return s.on(answer{Err: httpFault(err)})
	case got.status != http.StatusOK:
		return s.on(answer{Words: fmt.Sprintf("answered %d", got.status)})
	default:
		return s.on(firstLine(bytes.NewReader(got.body)))
	}
}
