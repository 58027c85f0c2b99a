package main

import (
	"strings"
	"testing"
)

// Rows come in the order of what a column says, whatever unit it says it in.
func TestSort(t *testing.T) {
	for _, test := range []struct{ name, cells, want string }{
		{"names", "web10 web9 Web1 db", "db Web1 web9 web10"},
		{"addresses", "10.0.0.10:80 10.0.0.9:80 9.0.0.1:80", "9.0.0.1:80 10.0.0.9:80 10.0.0.10:80"},
		{"numbers", "96.0M 1.2k 999 2 -", "2 999 1.2k 96.0M -"},
		{"rates", "96.0_Mb/s - 1.2_kb/s 80_b/s", "80_b/s 1.2_kb/s 96.0_Mb/s -"},
		{"ages", "2d - 3h10m 5m07s 12s 1.5s 340ms 5m06s", "340ms 1.5s 12s 5m06s 5m07s 3h10m 2d -"},
		{"servers up", "10/10 2/2 2/3_!", "2/2 2/3_! 10/10"},
		{"weights", "10 0_of_10 2", "0_of_10 2 10"},
		{"revisions", "3 *_10 2", "2 3 *_10"},
	} {
		tab := newTable("OTHER", ">COLUMN")
		for _, c := range strings.Fields(test.cells) {
			tab.row("x", strings.ReplaceAll(c, "_", " "))
		}
		if err := tab.sort("column"); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range tab.rows {
			got = append(got, strings.ReplaceAll(r[1], " ", "_"))
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: got %q, want %q", test.name, strings.Join(got, " "), test.want)
		}
	}
	err := newTable("NAME", ">LAST CHECK").sort("age")
	if err == nil || err.Error() != `the table has no column "age"; sort by NAME, LAST CHECK` {
		t.Errorf("an unknown column: %v", err)
	}
}
