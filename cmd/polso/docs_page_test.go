package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree is where README and docs lie.
const tree = "../../"

// passage is one fenced block of a page.
type passage struct {
	page string // as in docs/operate.md
	line int    // of its fence
	kind string // what the fence says: sh, hcl, text; "" for nothing
	body []string
	next bool // it stands directly below the block before
}

func (b passage) where() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

func (b passage) text() string { return strings.Join(b.body, "\n") + "\n" }

// documentation are the blocks of README and of every page below docs, page by page, from top to bottom.
func documentation(t *testing.T) (all []passage) {
	t.Helper()
	pages := []string{"README.md"}
	for _, pattern := range []string{"docs/*.md", "docs/*/*.md"} {
		found, err := filepath.Glob(tree + pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			pages = append(pages, strings.TrimPrefix(path, tree))
		}
	}
	for _, page := range pages {
		text, err := os.ReadFile(tree + page)
		if err != nil {
			t.Fatal(err)
		}
		blocks, err := fenced(page, string(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, blocks...)
	}
	return all
}

// fenced are the blocks of one page. One in a list is as deep as its fence.
func fenced(page, text string) (all []passage, err error) {
	lines := strings.Split(text, "\n")
	next := false
	for i := 0; i < len(lines); i++ {
		inner := strings.TrimLeft(lines[i], " ")
		kind, opens := strings.CutPrefix(inner, "```")
		if !opens {
			next = next && inner == ""
			continue
		}
		b := passage{page: page, line: i + 1, kind: strings.TrimSpace(kind), next: next}
		depth := lines[i][:len(lines[i])-len(inner)]
		for i++; i < len(lines) && strings.TrimSpace(lines[i]) != "```"; i++ {
			b.body = append(b.body, strings.TrimPrefix(lines[i], depth))
		}
		if i == len(lines) {
			return nil, fmt.Errorf("%s: the block has no end", b.where())
		}
		all, next = append(all, b), true
	}
	return all, nil
}

// command is one line that a page has its reader type.
type command struct {
	page  string
	line  int
	text  string // without its comment
	says  string // the comment beside it, or the one at the head of its block
	shown []string
}

func (c command) where() string { return fmt.Sprintf("%s:%d", c.page, c.line) }

// commands are what the reader types: the lines of blocks of sh, with what a block of text straight below shows, and in other blocks of text
// those behind a prompt, with what follows them.
func commands(blocks []passage) (all []command) {
	for i, b := range blocks {
		switch b.kind {
		case "sh":
			head := ""
			for n, line := range joined(b.body) {
				c := command{page: b.page, line: b.line + 1 + n}
				if c.text, c.says = uncommented(line); c.text == "" {
					head = c.says
					continue
				}
				if c.says == "" {
					c.says = head
				}
				if i+1 < len(blocks) && blocks[i+1].next && blocks[i+1].kind == "text" && n == len(b.body)-1 && !prompted(blocks[i+1]) {
					c.shown = blocks[i+1].body
				}
				all = append(all, c)
			}
		case "text":
			if !prompted(b) {
				continue
			}
			for n, line := range joined(b.body) {
				text, typed := strings.CutPrefix(line, b.body[0][:2])
				if !typed {
					all[len(all)-1].shown = append(all[len(all)-1].shown, line)
					continue
				}
				c := command{page: b.page, line: b.line + 1 + n}
				c.text, c.says = uncommented(text)
				all = append(all, c)
			}
		}
	}
	return all
}

// prompted tells whether a block begins with something typed, by a user or by root.
func prompted(b passage) bool {
	return len(b.body) > 0 && (strings.HasPrefix(b.body[0], "$ ") || strings.HasPrefix(b.body[0], "# "))
}

// joined are lines by their number, those that go on with a backslash as one, without empty ones.
func joined(lines []string) func(func(int, string) bool) {
	return func(yield func(int, string) bool) {
		for i := 0; i < len(lines); i++ {
			at, line := i, lines[i]
			for strings.HasSuffix(line, `\`) && i+1 < len(lines) {
				i++
				line = strings.TrimSuffix(line, `\`) + strings.TrimSpace(lines[i])
			}
			if line = strings.TrimSpace(line); line != "" && !yield(at, line) {
				return
			}
		}
	}
}

// uncommented parts a line from its comment.
func uncommented(line string) (text, says string) {
	text, says, _ = strings.Cut(" "+line, " # ")
	return strings.TrimSpace(text), strings.TrimSpace(says)
}

// simple are the commands of a line of shell: what its operators part, without where their output goes.
func simple(line string) (all [][]string) {
	var one []string
	skip := false
	for _, word := range append(fields(line), ";") {
		operator := slices.Contains([]string{";", "|", "&&", "||"}, word)
		if rest, ends := strings.CutSuffix(word, ";"); ends && rest != "" {
			one, operator = append(one, rest), true
		}
		switch {
		case skip:
			skip = false
		case operator:
			if len(one) > 0 {
				all = append(all, one)
			}
			one = nil
		case word == ">" || word == "<" || word == ">>":
			skip = true
		default:
			one = append(one, word)
		}
	}
	return all
}

// printed compares what a page shows with what was printed, as far as it is the same everywhere: each line of the page's begins with a word
// that one printed begins with too, and headings of tables are all there.
func printed(shown []string, said string) error {
	var begins []string
	for line := range strings.Lines(said) {
		begins = append(begins, strings.Join(strings.Fields(line), " ")+" ")
	}
	for _, line := range shown {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "…" {
			continue
		}
		want := words[0] + " "
		if heading := strings.Join(words, " "); heading == strings.ToUpper(heading) {
			want = heading + " "
		}
		if !slices.ContainsFunc(begins, func(b string) bool { return strings.HasPrefix(b, want) }) {
			return fmt.Errorf("the page shows %q, and it prints\n%s", line, said)
		}
	}
	return nil
}

func TestPagesAreRead(t *testing.T) {
	page := "```sh\n# on r1\npolso doctor   # well?\n```\n\n```text\nOK\n```\n\nand\n\n  ```text\n  $ polso a > f | tar \\\n      x && make b; c\n  A\n  ```\n"
	blocks, err := fenced("p.md", page)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%+v", commands(blocks))
	want := `[{page:p.md line:3 text:polso doctor says:well? shown:[OK]} {page:p.md line:13 text:polso a > f | tar x && make b; c says: shown:[A]}]`
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got, want := fmt.Sprint(simple(commands(blocks)[1].text)), "[[polso a] [tar x] [make b] [c]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := fenced("p.md", "```sh\npolso\n"); err == nil {
		t.Error("a block without an end is read")
	}
}

func TestShapeOfWhatIsPrinted(t *testing.T) {
	said := "NAME  STATE\nr1    ● UP\nr2    ○ DOWN\nHint: look.\n"
	for _, test := range []struct {
		shown string
		fits  bool
	}{
		{"NAME STATE\nr1  ● UP\n…\nHint: r2 is not there", true},
		{"NAME  STATE  SINCE", false},
		{"r3  ● UP", false},
		{"r  ● UP", false},
		{"", true},
	} {
		if err := printed(strings.Split(test.shown, "\n"), said); (err == nil) != test.fits {
			t.Errorf("%q: %v", test.shown, err)
		}
	}
}
