package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// sorting is how a table is sorted, as its page's address says it: sort=name, or sort=-name for the other way round. The heads of its
// columns are links, so that it needs no script.
type sorting struct {
	By      string
	Reverse bool
	query   url.Values
}

// sortedBy is what a request asks for, of the columns that there are; the first of them if it asks for none.
func sortedBy(r *http.Request, columns ...string) sorting {
	by, reverse := strings.CutPrefix(r.FormValue("sort"), "-")
	if !slices.Contains(columns, by) {
		by, reverse = columns[0], false
	}
	return sorting{by, reverse, r.URL.Query()}
}

// column is the head of one.
type column struct {
	Words  string
	Number bool
	Sorted string // as aria-sort has it; "" where it is sorted by another
	To     string // the page, sorted by this one, or the other way round
}

// Column is the head of a column of words: sorted by them, it begins with the least.
func (s sorting) Column(by, words string) column { return s.column(by, words, false) }

// Number is the head of a column of numbers: sorted by them, it begins with the largest.
func (s sorting) Number(by, words string) column { return s.column(by, words, true) }

func (s sorting) column(by, words string, number bool) column {
	q := url.Values{}
	for k, v := range s.query {
		if k != "page" { // another order has another first page
			q[k] = v
		}
	}
	q.Set("sort", by)
	c := column{Words: words, Number: number}
	if s.By == by {
		c.Sorted = "ascending"
		if number != s.Reverse {
			c.Sorted = "descending"
		}
		if !s.Reverse {
			q.Set("sort", "-"+by)
		}
	}
	c.To = "?" + q.Encode()
	return c
}
