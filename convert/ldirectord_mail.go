package convert

import (
	"net/mail"
	"slices"
	"strings"

	"polso/config"
)

// mails translates who is told of the servers of a virtual: the virtual's own settings, or the global part's.
func (l *ldirectord) mails(s *section, v *virtual) {
	to, ok := l.either(s, "emailalert")
	status, filtered := l.either(s, "emailalertstatus")
	from, sent := l.global.settings["emailalertfrom"]
	server, by := l.either(s, "smtp")
	if d, ok := s.take("emailalertfreq"); ok {
		l.say(d, Changed, "a mail is not repeated while a server stays down")
	}
	if !ok {
		for _, key := range []string{"emailalertstatus", "smtp"} {
			if d, there := s.take(key); there {
				l.say(d, Hint, "there is no emailalert that it belongs to")
			}
		}
		return
	}
	l.mailed = true
	s.take("emailalert")
	s.take("smtp")
	_, own := s.take("emailalertstatus")
	words := strings.FieldsFunc(strings.Trim(status.value, `"`), func(r rune) bool { return r == ',' || r == ' ' })
	running := !filtered || slices.Contains(words, "all") || slices.Contains(words, "running")
	if own && running {
		l.say(status, Hint, ldRunning)
	}
	if !running {
		l.say(status, Changed, "ldirectord would mail at none of the changes that there are while it runs, so no mail is sent")
		return
	}
	key := strings.Join([]string{"mail", to.value, from.value, server.value}, "\n")
	n := l.told[key]
	if n == nil {
		if n = l.mail(to, from, sent); n == nil {
			return
		}
		if by {
			n.SMTP = strings.Trim(server.value, `"`)
		} else {
			l.hint(n.path, l.place(to), "mail goes to the router's own mail server, localhost:25; smtp names another")
		}
		l.told[key] = n
	}
	n.virtuals = append(n.virtuals, v)
}

const ldRunning = "mails are of what happens while the cluster runs; of a start or a stop none is sent"

// either is a setting of the virtual, or else of the global part. It stays there.
func (l *ldirectord) either(s *section, key string) (directive, bool) {
	if d, ok := s.settings[key]; ok {
		return d, true
	}
	d, ok := l.global.settings[key]
	return d, ok
}

// mail adds a notify block that mails; nil if there is nobody to mail to.
func (l *ldirectord) mail(to, from directive, sent bool) *notify {
	var list []string
	for word := range strings.SplitSeq(strings.Trim(to.value, `"`), ",") {
		a, err := mail.ParseAddress(strings.TrimSpace(word))
		if err != nil {
			l.say(to, Lost, "%q is not a mail address", strings.TrimSpace(word))
			continue
		}
		list = append(list, a.Address)
	}
	if len(list) == 0 {
		return nil
	}
	n := l.notify("mail", l.place(to))
	n.Mail, n.Events, n.From = list, []config.EventKind{config.EventServerDown, config.EventServerUp}, list[0]
	if a, err := mail.ParseAddress(from.value); err == nil {
		n.From = a.Address
	} else if sent {
		l.say(from, Lost, "%q is not a mail address; the mail is from %s", from.value, n.From)
	} else {
		l.changed(n.path, l.place(to), "a mail needs a sender, and none is written: it is from %s", n.From)
	}
	return n
}

// mailsLeft notes what the global part says of mail: what is used, and what nobody wants.
func (l *ldirectord) mailsLeft() {
	for _, n := range l.told {
		if len(n.virtuals) == len(l.virtuals) {
			n.virtuals = nil // every one, and those to come
		}
	}
	for _, key := range []string{"emailalert", "emailalertfrom", "emailalertstatus", "smtp", "fallbackcommand"} {
		d, ok := l.global.take(key)
		switch {
		case !ok:
		case key == "emailalertstatus" && l.mailed:
			l.say(d, Hint, ldRunning)
		case key == "fallbackcommand" && len(l.told) > 0, key != "fallbackcommand" && l.mailed:
		default:
			l.say(d, Hint, "nothing here needs it")
		}
	}
	if d, ok := l.global.take("emailalertfreq"); ok {
		l.say(d, Changed, "a mail is not repeated while a server stays down")
	}
}
