package convert

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"

	"polso/config"
)

// longestText bounds how much of a line is shown, in characters.
const longestText = 160

// HCL returns the document in config.Format's layout, with a comment that says what it comes from and every note as a comment at the
// block it is about; what is about a block that is not there stands at the one around it. Virtuals that were switched off follow at the
// end, as comments.
func (r Result) HCL() []byte {
	text := config.Format(r.Document)
	at := r.notesByBlock()
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Imported from %s (%s).\n", config.Printable(strings.Join(r.files, ", ")), r.format)
	comment(&out, "", "", at[""])
	out.WriteString("\n")
	outer := ""
	for line := range strings.Lines(string(text)) {
		bare := strings.TrimLeft(line, " ")
		indent := line[:len(line)-len(bare)]
		if name, opens := strings.CutSuffix(bare, " {\n"); opens {
			path := name
			if indent != "" {
				path = outer + " " + name
			} else {
				outer = name
			}
			comment(&out, indent, path, at[path])
		}
		out.WriteString(line)
	}
	for _, v := range r.asides {
		out.WriteString("\n")
		path := fmt.Sprintf("virtual %q", v.Name)
		comment(&out, "", path, at[path])
		for line := range strings.Lines(string(config.FormatVirtuals([]config.Virtual{v}))) {
			out.WriteString(strings.TrimRight("# "+line, " \n") + "\n")
		}
	}
	return out.Bytes()
}

// notesByBlock sorts the notes to the innermost blocks around what they are about that are there; "" is the head.
func (r Result) notesByBlock() map[string][]Note {
	there := map[string]bool{"cluster": true, "": true}
	for _, v := range r.Document.VIPs {
		there[fmt.Sprintf("vip %q", v.Name)] = true
	}
	for _, v := range r.Document.Virtuals {
		there[fmt.Sprintf("virtual %q", v.Name)] = true
		for _, s := range v.Servers {
			there[fmt.Sprintf("virtual %q server %q", v.Name, s.Name)] = true
		}
	}
	for _, n := range r.Document.Notifies {
		there[fmt.Sprintf("notify %q", n.Name)] = true
	}
	for _, c := range r.Document.RouterChecks {
		there[fmt.Sprintf("router_check %q", c.Name)] = true
	}
	for _, v := range r.asides {
		there[fmt.Sprintf("virtual %q", v.Name)] = true
	}
	at := make(map[string][]Note)
	for _, n := range r.Notes {
		path := n.About
		for !there[path] {
			path = parent(path)
		}
		at[path] = append(at[path], n)
	}
	return at
}

// comment writes notes as comments in front of the block path.
func comment(w io.Writer, indent, path string, notes []Note) {
	for _, n := range notes {
		for _, line := range n.lines(path) {
			fmt.Fprintf(w, "%s# %s\n", indent, line)
		}
	}
}

// lines is the note for a person: the place, what became of the line, and the line. It names the block it is about unless it is
// read there.
func (n Note) lines(at string) []string {
	head := n.File
	if n.Line > 0 {
		head = fmt.Sprintf("%s:%d", n.File, n.Line)
	}
	what := n.What
	if n.About != "" && n.About != at {
		what = n.About + ": " + what
	}
	lines := []string{fmt.Sprintf("%s: %s: %s", config.Printable(head), n.Level, config.Printable(what))}
	if n.Text != "" {
		text := []rune(config.Printable(n.Text))
		if len(text) > longestText {
			text = append(text[:longestText], '…')
		}
		lines = append(lines, "    "+string(text))
	}
	return lines
}

// Report writes every note for a person at standard error, and a last line that counts.
func (r Result) Report(w io.Writer) error {
	b := bufio.NewWriter(w)
	if err := Report(b, r.Notes); err != nil {
		return err
	}
	servers := 0
	for _, v := range r.Document.Virtuals {
		servers += len(v.Servers)
	}
	fmt.Fprintf(b, "Imported %s, %s, %s; %d lost, %d changed, %s.\n",
		plural(len(r.Document.Virtuals), "virtual"), plural(servers, "server"), plural(len(r.Document.VIPs), "vip"),
		len(r.at(Lost)), len(r.at(Changed)), plural(len(r.at(Hint)), "hint"))
	return b.Flush()
}

// Report writes notes for a person.
func Report(w io.Writer, notes []Note) error {
	b := bufio.NewWriter(w)
	for _, n := range notes {
		for _, line := range n.lines("") {
			fmt.Fprintln(b, line)
		}
	}
	return b.Flush()
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
