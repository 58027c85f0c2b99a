package lab

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// step is one block of a page that a reader follows: what is typed on which machines, or a file that is written there, and what is printed.
type step struct {
	line  int      // of the page
	on    []string // the machines, one after the other
	after string   // a machine that the reader switches on before; "" for none
	file  string   // what is written, if it is a file
	text  string   // its content
	typed []string // command lines
	want  string   // what they print; the page says nothing of it if it is empty
}

var (
	opening = regexp.MustCompile("^```(\\w+)$")
	place   = regexp.MustCompile(`^# on ([^,]+(?:, [^, ]+ and [^, ]+)?)(?:, once (\w+) is switched on again)?$`)
	written = regexp.MustCompile(`^# (\S+), on (\w+)$`)
)

// steps reads a page. Blocks of sh begin with a comment that says where they are typed; one of text straight after is what they print; blocks
// of hcl that begin with a file's name and a machine are files.
func steps(page string) (all []step, err error) {
	lines := strings.Split(page, "\n")
	last := -1 // the line after the block of commands before
	for i := 0; i < len(lines); i++ {
		m := opening.FindStringSubmatch(lines[i])
		if m == nil {
			if lines[i] != "" {
				last = -1
			}
			continue
		}
		began := i + 1
		for i++; i < len(lines) && lines[i] != "```"; i++ {
		}
		if i == len(lines) || i == began {
			return nil, fmt.Errorf("line %d: the block has no content or no end", began)
		}
		body := lines[began:i]
		switch s := (step{line: began}); m[1] {
		case "sh":
			at := place.FindStringSubmatch(body[0])
			if at == nil {
				return nil, fmt.Errorf("line %d: the block does not say where it is typed", began)
			}
			s.on = regexp.MustCompile(`, | and `).Split(at[1], -1)
			s.after, s.typed = at[2], body[1:]
			all = append(all, s)
			last = len(all) - 1
			continue
		case "hcl":
			at := written.FindStringSubmatch(body[0])
			if at == nil {
				return nil, fmt.Errorf("line %d: the file has no name or no place", began)
			}
			s.file, s.on, s.text = at[1], at[2:], strings.Join(body, "\n")+"\n"
			all = append(all, s)
		case "text":
			if last < 0 {
				return nil, fmt.Errorf("line %d: nothing was typed that prints this", began)
			}
			all[last].want = strings.Join(body, "\n")
		default:
			return nil, fmt.Errorf("line %d: a block of %s", began, m[1])
		}
		last = -1
	}
	return all, nil
}

// What differs from one time to the next.
var (
	spaces   = regexp.MustCompile(`[ \t]+`)
	token    = regexp.MustCompile(`POLSO-[1A]-\S+`)
	date     = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*`)
	hour     = regexp.MustCompile(`\b\d\d:\d\d\b`)
	term     = regexp.MustCompile(`\bterm \d+`) // an election may need two
	duration = regexp.MustCompile(`\b(?:\d+(?:\.\d+)? ?(?:ms|s|m|h|d))+\b`)
)

// general is a text in which times, tokens and widths of columns are all the same; without empty lines.
func general(text string) (lines []string) {
	text = token.ReplaceAllString(strings.ReplaceAll(text, "\r", ""), "TOKEN")
	text = hour.ReplaceAllString(date.ReplaceAllString(text, "DATE"), "HOUR")
	text = term.ReplaceAllString(duration.ReplaceAllString(text, "TIME"), "term N")
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(spaces.ReplaceAllString(line, " ")); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// printed tells whether what came is what the page shows, in which … is any text within a line, and on a line of its own any lines.
func printed(want, got []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0] == "…" {
		return printed(want[1:], got) || len(got) > 0 && printed(want, got[1:])
	}
	return len(got) > 0 && fits(want[0], got[0]) && printed(want[1:], got[1:])
}

func fits(want, got string) bool {
	parts := strings.Split(want, "…")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(got)
}

func TestPageIsRead(t *testing.T) {
	page := "Text.\n\n```sh\n# on r1, r2 and r3\npolso doctor\n```\n\n```text\nOK\n```\n\n```hcl\n# edge.hcl, on r1\ncluster {}\n```\n\n" +
		"```sh\n# on r2, once r1 is switched on again\npolso members\npolso status\n```\n"
	got, err := steps(page)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || !slices.Equal(got[0].on, []string{"r1", "r2", "r3"}) || got[0].want != "OK" || got[0].typed[0] != "polso doctor" ||
		got[1].file != "edge.hcl" || got[1].text != "# edge.hcl, on r1\ncluster {}\n" || got[2].after != "r1" || !slices.Equal(got[2].on, []string{"r2"}) || len(got[2].typed) != 2 {
		t.Errorf("got %+v", got)
	}
	for _, bad := range []string{"```sh\npolso doctor\n```\n", "```text\nOK\n```\n", "```sh\n# on r1\nx\n", "```sh\n# on r1\nx\n```\nand\n```text\nOK\n```\n", "```hcl\ncluster {}\n```\n"} {
		if got, err := steps(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

func TestPrinted(t *testing.T) {
	for _, tt := range []struct {
		want, got string
		fit       bool
	}{
		{"r2  UP   5m12s", "r2 UP 300ms", true},
		{"r2  UP", "r2 DOWN", false},
		{"join --token POLSO-1-TOKEN x", "join --token POLSO-1-abc_9- x", true},
		{"at 2026-01-01T10:00:00Z", "at 2027-02-02 11:11:11", true},
		{"a\n…\nb", "a\n1\n2\nb", true},
		{"a\n…\nb", "a\nb", true},
		{"a\n…\nb", "a\n1\n2", false},
		{"web 2/2 …", "web 2/2 0 1k", true},
		{"web 2/2 …", "web 1/2 0 1k", false},
		{"10.9.0.11", "10a9.0.11", false},
		{"a", "a\nb", false},
		{"", "b", false},
	} {
		if got := printed(general(tt.want), general(tt.got)); got != tt.fit {
			t.Errorf("%q printed where the page has %q: %v", tt.got, tt.want, got)
		}
	}
}
