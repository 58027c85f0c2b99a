package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"polso/api"
)

// auditPage is how many entries a page of the audit has; the cluster keeps the last wholeAudit.
const (
	auditPage  = 50
	wholeAudit = 1000
)

// auditView is a page of the audit.
type auditView struct {
	Since, Until, Who string // as they were asked for
	Wrong             string // what of that is not understood
	Entries           []api.AuditEntry
	Total             int
	Page, Pages       int
}

// Link is the address of another page of the same.
func (v auditView) Link(page int) string {
	q := url.Values{"page": {fmt.Sprint(page)}}
	for name, value := range map[string]string{"since": v.Since, "until": v.Until, "who": v.Who} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return "/changes/audit?" + q.Encode()
}

// Older and Newer are the pages beside this one; 0: there is none.
func (v auditView) Older() int {
	if v.Page < v.Pages {
		return v.Page + 1
	}
	return 0
}

func (v auditView) Newer() int { return v.Page - 1 }

func (s *site) audit(w http.ResponseWriter, r *http.Request) {
	v := auditView{Since: strings.TrimSpace(r.FormValue("since")), Until: strings.TrimSpace(r.FormValue("until")), Who: strings.TrimSpace(r.FormValue("who"))}
	now := time.Now()
	since, err1 := moment(v.Since, now)
	until, err2 := moment(v.Until, now)
	if err1 != nil || err2 != nil {
		v.Wrong = "A time is written as 2006-01-02, 2006-01-02T15:04 (UTC), or as how long ago it was: 90m, 36h."
		s.render(w, r, http.StatusUnprocessableEntity, "audit", "changes", "Audit", v)
		return
	}
	all, err := s.api.Audit(r.Context(), api.AuditRequest{Count: wholeAudit, Since: since})
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	all = slices.DeleteFunc(all, func(e api.AuditEntry) bool {
		return !until.IsZero() && e.At.After(until) || !strings.Contains(strings.ToLower(e.By), strings.ToLower(v.Who))
	})
	slices.Reverse(all)
	page, _ := number64(r.FormValue("page")) // what is no number is the first page
	v.Total, v.Pages = len(all), max(1, (len(all)+auditPage-1)/auditPage)
	v.Page = int(min(max(1, page), uint64(v.Pages)))
	v.Entries = all[(v.Page-1)*auditPage : min(len(all), v.Page*auditPage)]
	s.show(w, r, "audit", "changes", "Audit", v)
}

// moment is a time as people write it in a field: a day, a minute, or how long ago; "" is the zero one.
func moment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Parse(time.RFC3339, text)
}
