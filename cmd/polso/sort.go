package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// sortable gives a command that prints one table the flag --sort-by.
func (a *app) sortable(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&a.sortBy, "sort-by", "", "order the table by this column")
	return c
}

// checkSort refuses --sort-by where no table is printed: the order of the other formats is the agent's.
func (a *app) checkSort() error {
	if a.sortBy != "" && (a.names() || a.output != "" && !a.wide()) {
		return usageError{errors.New("--sort-by orders tables; leave -o and -q out, or use -o wide")}
	}
	return nil
}

// sort orders the rows by the column called name, in whatever case: numbers and ages by what they stand for, other text with its
// numbers by their value, "-" last. Equal rows keep their order.
func (t *table) sort(name string) error {
	at := slices.IndexFunc(t.header, func(h string) bool { return strings.EqualFold(h, name) })
	if at < 0 {
		return usageError{fmt.Errorf("the table has no column %q; sort by %s", name, strings.Join(t.header, ", "))}
	}
	slices.SortStableFunc(t.rows, func(a, b []string) int { return compareCells(a[at], b[at]) })
	return nil
}

func compareCells(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "-":
		return 1
	case b == "-":
		return -1
	}
	x, okX := magnitude(a)
	y, okY := magnitude(b)
	if okX && okY {
		return cmp.Compare(x, y)
	}
	return compareText(a, b)
}

// quantity is a number as words.go writes them: 12, 1.2k, 96.0 Mb/s, 340ms, 5m07s, 3h10m, 2d.
var quantity = regexp.MustCompile(`^(\d+(?:\.\d+)?) ?(ms|[kMGTsmhd])?(?:(\d+)([sm]))?(?:b/s)?$`)

var units = map[string]float64{"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}

// magnitude is what a quantity stands for, the running revision's mark aside.
func magnitude(cell string) (float64, bool) {
	m := quantity.FindStringSubmatch(strings.TrimPrefix(cell, "* "))
	if m == nil {
		return 0, false
	}
	whole, _ := strconv.ParseFloat(m[1], 64) // digits: the pattern says so
	rest, _ := strconv.ParseFloat(cmp.Or(m[3], "0"), 64)
	return whole*units[m[2]] + rest*units[m[4]], true
}

// runs are of digits, or of anything else.
var runs = regexp.MustCompile(`\d+|\D+`)

// compareText compares texts run by run, digits by their value: r2 is before r10, 10.0.0.9 before 10.0.0.10.
func compareText(a, b string) int {
	return slices.CompareFunc(runs.FindAllString(a, -1), runs.FindAllString(b, -1), func(x, y string) int {
		n, errN := strconv.ParseUint(x, 10, 64)
		m, errM := strconv.ParseUint(y, 10, 64)
		if errN == nil && errM == nil {
			return cmp.Compare(n, m)
		}
		return strings.Compare(strings.ToLower(x), strings.ToLower(y))
	})
}
