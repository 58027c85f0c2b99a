package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Notify says whom to tell of what happens: exactly one of Command, Webhook and Mail is there.
type Notify struct {
	Name       string
	Events     []EventKind   // empty: every kind
	Virtuals   []string      // only what happens to these virtuals, and to nothing else; empty: everything
	Command    []string      // a program with its arguments, on the routers
	User       string        // who runs Command; "nobody" unless said otherwise
	Webhook    string        // an http or https URL
	SecretFile string        // a file on every router, whose content signs what is posted
	Mail       []string      // addresses
	From       string        // the sender; with Mail
	SMTP       string        // HOST or HOST:PORT; "localhost:25" unless said otherwise; with Mail
	Timeout    time.Duration // of one attempt; 10 s unless said otherwise
	Limit      int           // so many messages a minute at most; 30 unless said otherwise
}

// EventKind is a kind of thing that happens.
type EventKind string

// What happens.
const (
	EventActive      EventKind = "active"       // this router directs now
	EventInactive    EventKind = "inactive"     // this router directs no more
	EventServerUp    EventKind = "server_up"    // a real server's check succeeds
	EventServerDown  EventKind = "server_down"  // a real server's check fails
	EventVirtualUp   EventKind = "virtual_up"   // a virtual has servers again
	EventVirtualDown EventKind = "virtual_down" // a virtual has no server left
	EventRevision    EventKind = "revision"     // another document holds
	EventRouterLost  EventKind = "router_lost"  // a router does not answer
	EventRouterBack  EventKind = "router_back"  // it answers again
	EventConflict    EventKind = "conflict"     // another machine claims an address
)

// EventKinds are all of them. Active and inactive each router tells of itself; the others the director tells.
func EventKinds() []EventKind {
	return []EventKind{EventActive, EventInactive, EventServerUp, EventServerDown, EventVirtualUp, EventVirtualDown, EventRevision,
		EventRouterLost, EventRouterBack, EventConflict}
}

const (
	maxNotifies      = 64 // each has a queue and a sender of its own on every router
	maxNotifyTimeout = 5 * time.Minute
	maxNotifyLimit   = 600
)

func (r *reader) notify(b *hclsyntax.Block, p path) {
	if len(b.Labels) == 0 {
		return
	}
	n := Notify{Name: b.Labels[0], Timeout: 10 * time.Second, Limit: 30}
	var events []string
	r.body(b.Body, p, map[string]func(value){
		"events":      setTexts(&events),
		"virtuals":    setTexts(&n.Virtuals),
		"command":     setTexts(&n.Command),
		"user":        setText(&n.User),
		"webhook":     setText(&n.Webhook),
		"secret_file": setText(&n.SecretFile),
		"mail":        setTexts(&n.Mail),
		"from":        setText(&n.From),
		"smtp":        setText(&n.SMTP),
		"timeout":     setDuration(&n.Timeout),
		"limit":       setInt(&n.Limit),
	}, nil)
	for _, e := range events {
		n.Events = append(n.Events, EventKind(e))
	}
	r.doc.Notifies = append(r.doc.Notifies, n)
}

// Complete fills in what depends on the way that is told by.
func (n *Notify) Complete() {
	if len(n.Command) > 0 && n.User == "" {
		n.User = "nobody"
	}
	if len(n.Mail) == 0 {
		return
	}
	if n.SMTP == "" {
		n.SMTP = "localhost:25"
	} else if _, _, err := net.SplitHostPort(n.SMTP); err != nil {
		n.SMTP = net.JoinHostPort(strings.Trim(n.SMTP, "[]"), "25")
	}
}

func (n Notify) clone() Notify {
	n.Events, n.Virtuals, n.Command, n.Mail = cloneList(n.Events), cloneList(n.Virtuals), cloneList(n.Command), cloneList(n.Mail)
	return n
}

func (v *verdicts) notifies(d Document) {
	seen := make(map[string]bool)
	for i, n := range d.Notifies {
		p := path("").block("notify", n.Name)
		v.last(p, "notify", i, maxNotifies, "A command or a webhook that passes it on tells as many people as you like; mail takes a list.")
		v.name(p, "notify name", n.Name)
		if seen[n.Name] {
			v.add(p, fmt.Sprintf("notify %q is there twice", n.Name), "", "Rename one of them.")
		}
		seen[n.Name] = true
		for _, e := range n.Events {
			enum(v, p.attr("events"), "event", e, EventKinds()...)
		}
		for _, name := range n.Virtuals {
			if !slices.ContainsFunc(d.Virtuals, func(x Virtual) bool { return x.Name == name }) {
				v.add(p.attr("virtuals"), fmt.Sprintf("there is no virtual %q", name), "", "")
			}
		}
		v.way(p, n)
		v.within(p.attr("timeout"), n.Timeout, time.Second, maxNotifyTimeout)
		if n.Limit < 1 || n.Limit > maxNotifyLimit {
			v.add(p.attr("limit"), fmt.Sprintf("limit %d is not between 1 and %d", n.Limit, maxNotifyLimit), "It counts messages a minute.", "")
		}
	}
}

// way checks by which way is told.
func (v *verdicts) way(p path, n Notify) {
	ways := []struct {
		name    string
		written bool
		with    []string
	}{{"command", len(n.Command) > 0, []string{"user"}}, {"webhook", n.Webhook != "", []string{"secret_file"}}, {"mail", len(n.Mail) > 0, []string{"from", "smtp"}}}
	written := map[string]bool{"user": n.User != "", "secret_file": n.SecretFile != "", "from": n.From != "", "smtp": n.SMTP != ""}
	count := 0
	for _, w := range ways {
		if w.written {
			count++
			continue
		}
		for _, a := range w.with {
			if written[a] {
				v.add(p.attr(a), fmt.Sprintf("%s goes with %s alone", a, w.name), "", "Remove it.")
			}
		}
	}
	if count != 1 {
		fix := "Write a block for each."
		if count == 0 {
			fix = `Add one of them, such as mail = ["ops@example.org"].`
		}
		v.add(p, "a notify block has one of command, webhook and mail", "Each is another way to tell somebody.", fix)
		return
	}
	switch {
	case len(n.Command) > 0:
		if !filepath.IsAbs(n.Command[0]) {
			v.add(p.attr("command"), fmt.Sprintf("%q is not an absolute path", n.Command[0]), "", `Write command = ["/usr/local/bin/tell", "argument"].`)
		}
	case n.Webhook != "":
		if u, err := url.Parse(n.Webhook); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			v.add(p.attr("webhook"), fmt.Sprintf("%q is not a URL of http or https", n.Webhook), "", "")
		} else if u.User != nil {
			v.add(p.attr("webhook"), "the URL has a user's name or password in it", "The document is no place for secrets: every viewer can read it.", "Use secret_file.")
		}
		if n.SecretFile != "" && !filepath.IsAbs(n.SecretFile) {
			v.add(p.attr("secret_file"), fmt.Sprintf("%q is not an absolute path", n.SecretFile), "It is a file on every router.", "")
		}
	default:
		v.mail(p, n)
	}
}

func (v *verdicts) mail(p path, n Notify) {
	check := func(attr, address string) {
		if a, err := mail.ParseAddress(address); err != nil || a.Address != address {
			v.add(p.attr(attr), fmt.Sprintf("%q is not a mail address", address), "", "Write it as ops@example.org, without a name.")
		}
	}
	for _, a := range n.Mail {
		check("mail", a)
	}
	if n.From == "" {
		v.add(p.attr("from"), "mail needs a sender", "", `Add from = "polso@example.org".`)
	} else {
		check("from", n.From)
	}
}

type wireNotify struct {
	Name       string      `json:"name"`
	Events     []EventKind `json:"events,omitempty"`
	Virtuals   []string    `json:"virtuals,omitempty"`
	Command    []string    `json:"command,omitempty"`
	User       string      `json:"user,omitzero"`
	Webhook    string      `json:"webhook,omitzero"`
	SecretFile string      `json:"secret_file,omitzero"`
	Mail       []string    `json:"mail,omitempty"`
	From       string      `json:"from,omitzero"`
	SMTP       string      `json:"smtp,omitzero"`
	Timeout    seconds     `json:"timeout"`
	Limit      int         `json:"limit"`
}

func notifyToWire(n Notify) wireNotify {
	return wireNotify{n.Name, n.Events, n.Virtuals, n.Command, n.User, n.Webhook, n.SecretFile, n.Mail, n.From, n.SMTP, seconds(n.Timeout), n.Limit}
}

func notifyFromWire(w wireNotify) Notify {
	return Notify{w.Name, w.Events, w.Virtuals, w.Command, w.User, w.Webhook, w.SecretFile, w.Mail, w.From, w.SMTP, time.Duration(w.Timeout), w.Limit}
}

func notifyFields(n Notify) []field {
	return []field{
		{"name", n.Name},
		{"events", eventsText(n.Events)},
		{"virtuals", strings.Join(n.Virtuals, ", ")},
		{"command", strings.Join(n.Command, " ")},
		{"user", n.User},
		{"webhook", n.Webhook},
		{"secret_file", n.SecretFile},
		{"mail", strings.Join(n.Mail, ", ")},
		{"from", n.From},
		{"smtp", n.SMTP},
		{"timeout", Brief(n.Timeout)},
		{"limit", fmt.Sprint(n.Limit)},
	}
}

func eventsText(events []EventKind) string {
	texts := make([]string, len(events))
	for i, e := range events {
		texts[i] = string(e)
	}
	return strings.Join(texts, ", ")
}

// Way is the way by which is told, and whom it leads to: "webhook https://alerts.example.org/polso".
func (n Notify) Way() string {
	switch {
	case len(n.Command) > 0:
		return "command " + n.Command[0]
	case n.Webhook != "":
		return "webhook " + n.Webhook
	default:
		return "mail " + strings.Join(n.Mail, ", ")
	}
}

func notifyChanges(from, to *Notify) Changes {
	switch {
	case from == nil:
		return Changes{{Symbol: Added, Kind: KindNotify, Name: to.Name, Text: to.Way()}}
	case to == nil:
		return Changes{{Symbol: Removed, Kind: KindNotify, Name: from.Name, Text: from.Way()}}
	}
	fields := fieldChanges(notifyFields(*from), notifyFields(*to))
	if len(fields) == 0 {
		return nil
	}
	return Changes{{Symbol: Changed, Kind: KindNotify, Name: to.Name, Fields: fields}}
}

func (w writer) notify(n Notify) {
	w = w.block("notify", n.Name)
	if len(n.Events) > 0 {
		w.texts("events", strings.Split(eventsText(n.Events), ", "))
	}
	w.texts("virtuals", n.Virtuals)
	w.texts("command", n.Command)
	if n.User != "nobody" {
		w.text("user", n.User)
	}
	w.text("webhook", n.Webhook)
	w.text("secret_file", n.SecretFile)
	w.texts("mail", n.Mail)
	w.text("from", n.From)
	w.text("smtp", n.SMTP)
	w.text("timeout", Brief(n.Timeout))
	w.number("limit", n.Limit)
}

func notifyTopic() Topic {
	var kinds []string
	for _, e := range EventKinds() {
		kinds = append(kinds, string(e))
	}
	return Topic{Name: "notify", Label: "name", Text: "Whom to tell of what happens, by one of command, webhook and mail. Active and inactive every router tells of itself, the rest the director tells. Nothing waits for it. polso notify test NAME tries it.", Topics: []Topic{
		{Name: "events", Form: Texts, Value: oneOf(kinds), Default: "every one", Text: "What to tell of."},
		{Name: "virtuals", Form: Texts, Value: "names of virtuals", Default: "everything", Text: "Only what happens to these virtuals and their servers."},
		{Name: "command", Form: Texts, Value: "an absolute path and arguments", Text: "A program that a router runs, with the event in its environment (POLSO_EVENT, POLSO_VIRTUAL, ...) and as JSON on its standard input."},
		{Name: "user", Form: Text, Value: "a user of the router", Default: `"nobody"`, Text: "Who runs the command."},
		{Name: "webhook", Form: Text, Value: "a URL of http or https", Text: "Where the event is posted as JSON; tried again for ten minutes when nobody takes it."},
		{Name: "secret_file", Form: Text, Value: "an absolute path", Default: "not signed", Text: "A file on every router whose content signs what is posted (HMAC-SHA256)."},
		{Name: "mail", Form: Texts, Value: "mail addresses", Text: "Who gets a mail; what happens within ten seconds is one mail."},
		{Name: "from", Form: Text, Value: "a mail address", Default: "required with mail", Text: "The sender."},
		{Name: "smtp", Form: Text, Value: "HOST or HOST:PORT", Default: `"localhost:25"`, Text: "The mail server; encrypted when it offers that."},
		{Name: "timeout", Form: Text, Value: durations + "; 1s to 5m", Default: `"10s"`, Text: "How long one attempt may take; then a command and all that it started is killed."},
		{Name: "limit", Form: Number, Value: "1 to 600", Default: "30", Text: "How many messages a minute at most; what is above waits, and of what cannot wait the number is told."},
	}}
}
