package convert

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What is said of programs that keepalived runs.
const (
	kaNobody  = `runs as nobody, where keepalived takes keepalived_script or root: write user = "root" if it needs that`
	kaByShell = "a shell runs it, for the sake of its special characters"
	kaByPath  = "a command is named by its absolute path; env looks for it along PATH"
)

// kaScript is a program that keepalived runs.
type kaScript struct {
	command []string
	user    string // "": nobody
}

// scriptUser reads script_user.
func (k *kaImport) scriptUser(n *kaNode) kaSaid {
	user := n.word(0)
	if user == "" || legal(user) != user {
		return kaSay(Lost, "%q is no user", user)
	}
	k.user, k.userNode = user, n
	return kaSaid{}
}

// script reads the program that a statement names, and as whom it runs: user, unless the statement says so itself. More are words
// that keepalived puts behind it. A program that cannot be had is no command, and said tells why.
func (k *kaImport) script(n *kaNode, user string, more ...string) (kaScript, kaSaid) {
	s := kaScript{user: user}
	command, said := kaCommand(n.word(0), more...)
	if s.command = command; command == nil {
		return s, said
	}
	if own := n.word(1); own != "" {
		s.user = own
	}
	if s.user != "" && legal(s.user) != s.user {
		return kaScript{}, kaSay(Lost, "%q is no user", s.user)
	}
	if user != "" && s.user == k.user {
		k.userNode = nil
	}
	if s.user == "" && command[0] != kaPgrepAt {
		said = kaAlso(said, kaSaid{Changed, kaNobody})
	}
	return s, said
}

// kaClean reports whether a line can be a command's.
func kaClean(line string) bool {
	return utf8.ValidString(line) && !strings.ContainsFunc(line, unicode.IsControl)
}

const kaUnclean = "it has characters that a command cannot have"

// kaAlso is two things to say of a line.
func kaAlso(a, b kaSaid) kaSaid {
	switch {
	case a.what == "":
		return b
	case b.what == "":
		return a
	}
	return kaSaid{a.level, a.what + "; " + b.what}
}

// kaCommand is the command of a line with more words behind it. keepalived runs programs without a shell, and once did with one.
func kaCommand(line string, more ...string) (command []string, said kaSaid) {
	if !kaClean(line) {
		return nil, kaSaid{Lost, kaUnclean}
	}
	words, special := kaShellWords(line)
	if len(words) == 0 {
		return nil, kaSaid{Lost, "it names no program"}
	}
	if special {
		for _, word := range more {
			line += " " + kaShellQuoted(word)
		}
		return []string{"/bin/sh", "-c", line}, kaSaid{Changed, kaByShell}
	}
	if name := kaAskedFor(words); name != "" {
		return kaPgrep(name), kaSaid{Changed, "pgrep looks for the process, which every user may"}
	}
	words = append(words, more...)
	if !filepath.IsAbs(words[0]) {
		return append([]string{"/usr/bin/env"}, words...), kaSaid{Changed, kaByPath}
	}
	return words, kaSaid{}
}

// kaAskedFor is the process that `killall -0 NAME` and `pidof NAME` look for, "" if it is another command.
func kaAskedFor(words []string) string {
	switch program := filepath.Base(words[0]); {
	case program == "killall" && len(words) == 3 && words[1] == "-0", program == "pidof" && len(words) == 2:
		return filepath.Base(words[len(words)-1])
	}
	return ""
}

const kaPgrepAt = "/usr/bin/pgrep"

// kaPgrep looks for a process of that name, of which the kernel keeps 15 bytes.
func kaPgrep(name string) []string {
	const kept = 15
	return []string{kaPgrepAt, "-x", regexp.QuoteMeta(strings.ToValidUTF8(name[:min(len(name), kept)], ""))}
}

// kaShellWords splits a line as keepalived does, by blanks, quotes and backslashes; special is whether a shell would make more of it.
func kaShellWords(line string) (words []string, special bool) {
	var word strings.Builder
	open, quote := false, rune(0)
	runes := []rune(line)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case quote != '\'' && (r == '$' || r == '`'), quote == 0 && strings.ContainsRune("|&;<>()*?", r):
			special = true
			word.WriteRune(r)
			open = true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, open = r, true
		case quote != '\'' && r == '\\' && i+1 < len(runes):
			i++
			word.WriteRune(runes[i])
			open = true
		case quote == 0 && r == ' ':
			if open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteRune(r)
			open = true
		}
	}
	if open {
		words = append(words, word.String())
	}
	return words, special
}

var kaPlainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+,-]+$`)

// kaShellQuoted is a word as a shell reads it.
func kaShellQuoted(word string) string {
	if kaPlainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// shell is the script as a line for a shell.
func (s kaScript) shell() string {
	var words []string
	for _, word := range s.command {
		words = append(words, kaShellQuoted(word))
	}
	return strings.Join(words, " ")
}

func (s kaScript) equal(t kaScript) bool {
	return s.user == t.user && slices.Equal(s.command, t.command)
}
