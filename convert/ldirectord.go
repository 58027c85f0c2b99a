package convert

import (
	"path/filepath"
	"slices"
	"strconv"
)

// ldirectord turns one ldirectord.cf into parts of a document.
type ldirectord struct {
	*builder
	file     string
	about    string // the virtual that is being translated; "": none
	global   *section
	forks    bool // fork=yes
	quiesces bool // quiescent=yes
	times    ldTimes
	told     map[string]*notify // by what makes them one block
	mailed   bool               // a virtual has mails sent
}

// Ldirectord reads ldirectord.cf: one file, or several that run side by side, each with its own global part. Without a virtual in
// any of them there is an error: what would be imported is a document that removes everything.
func Ldirectord(files ...File) (Result, error) {
	if err := tooLong(files); err != nil {
		return Result{}, err
	}
	b := newBuilder("ldirectord.cf", files)
	found := 0
	for _, f := range files {
		l := &ldirectord{builder: b, file: f.Name, told: make(map[string]*notify)}
		virtuals, err := l.read(f.Text)
		if err != nil {
			return Result{}, err
		}
		found += virtuals
	}
	if found == 0 {
		return Result{}, &Error{File: files[0].Name, What: "no virtual of an ldirectord.cf is in it", Fix: "Is it of another format?"}
	}
	return b.finish()
}

// read translates one file and returns how many virtuals it has, those among them that are left out.
func (l *ldirectord) read(text []byte) (found int, err error) {
	global, virtuals, whole := readLdirectord(text)
	if !whole {
		return 0, tooMany(l.file)
	}
	l.global = global
	l.forks, l.quiesces = l.yes(global, "fork", false), l.yes(global, "quiescent", false)
	l.times = ldTimes{
		every:     l.number(global, "checkinterval", 10),
		check:     l.number(global, "checktimeout", 0),
		negotiate: l.number(global, "negotiatetimeout", 0),
		failures:  l.number(global, "failurecount", 1),
	}
	for _, s := range virtuals {
		l.virtual(s)
		if err := l.full(); err != nil {
			return 0, err
		}
	}
	for _, key := range []string{"fallback", "fallback6"} {
		if d, ok := global.take(key); ok && len(virtuals) == 0 {
			l.say(d, Hint, "there is no virtual that could fall back")
		}
	}
	l.mailsLeft()
	l.leftovers(global)
	return len(virtuals), l.full()
}

// place is where a line stands.
func (l *ldirectord) place(d directive) place { return place{l.file, d.line, d.text} }

// say notes what became of a line.
func (l *ldirectord) say(d directive, level Level, what string, args ...any) {
	l.note(level, l.about, l.place(d), what, args...)
}

// yes reads a setting that is yes or no.
func (l *ldirectord) yes(s *section, key string, otherwise bool) bool {
	d, ok := s.take(key)
	if !ok {
		return otherwise
	}
	switch firstWord(d.value) {
	case "yes":
		return true
	case "no":
		return false
	}
	l.say(d, Lost, "it is neither yes nor no, and is taken for %s", map[bool]string{true: "yes", false: "no"}[otherwise])
	return otherwise
}

// number reads a setting that is a number above zero.
func (l *ldirectord) number(s *section, key string, otherwise int) int {
	d, ok := s.take(key)
	if !ok {
		return otherwise
	}
	digits, exact := d.digits()
	n, err := strconv.Atoi(digits)
	switch {
	case err != nil || n == 0:
		l.say(d, Lost, "it is not a number above zero")
		return otherwise
	case !exact:
		l.say(d, Changed, "ldirectord takes it for %d", n)
	}
	return n
}

// leftovers notes what nobody has taken.
func (l *ldirectord) leftovers(s *section) {
	for _, d := range s.replaced {
		if l.full() != nil {
			return
		}
		l.say(d, Hint, "the last one of its kind counts")
	}
	for d := range s.rest() {
		if l.full() != nil {
			return
		}
		level, what := l.remark(d, s == l.global)
		l.say(d, level, "%s", what)
	}
}

// remark says why a directive has no counterpart.
func (l *ldirectord) remark(d directive, global bool) (Level, string) {
	switch d.key {
	case "autoreload", "readdquiescent", "cleanstop", "supervised":
		return Hint, "no longer needed: a document is applied, and the agent makes the kernel follow"
	case "logfile":
		return Hint, "no longer needed: the agent logs to its standard error, which the journal keeps"
	case "checkcount":
		return Hint, "ldirectord counts pings by it, of which there are none"
	case "load":
		return Hint, "ldirectord reads it and does nothing with it"
	case "comment":
		return Hint, "a document has no place for it but a comment of your own"
	case "callback":
		return Lost, `nothing is run after a change, and every router has the document anyway; a notify block with events = ["revision"] runs a program`
	case "execute":
		if name := filepath.Base(d.quoted()); slices.ContainsFunc(l.files, func(f string) bool { return filepath.Base(f) == name }) {
			return Hint, "that configuration is imported beside this one"
		}
		return Lost, "another configuration: name both files, and one document has both"
	case "monitorfile":
		return Changed, "checks have no file of their own: the log has every change, polso describe each server's last answer"
	case "maintenancedir":
		return Changed, "no file takes a server out: polso drain server and polso disable server do, with a reason and an end"
	case "connecttimeout", "timeout":
		return Lost, "ldirectord refuses it: its successors are checktimeout and negotiatetimeout"
	case "checkcommand":
		return Hint, "ldirectord runs it with checktype external and external-perl alone"
	case "servicename", "service", "checktype", "real", "real6":
		if global {
			return Lost, "it stands in no virtual"
		}
	}
	return Lost, "ldirectord knows no such line here"
}
