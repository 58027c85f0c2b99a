package convert

import (
	"cmp"
	"net"
	"net/mail"
	"slices"
	"strings"
	"time"

	"polso/config"
)

// kaMail is what global_defs says of mails.
type kaMail struct {
	node    *kaNode   // notification_email
	around  []*kaNode // the statements about how it is sent
	to      []string
	from    string
	server  string
	timeout time.Duration

	all, vrrp, checkers kaChoice // smtp_alert, smtp_alert_vrrp, smtp_alert_checker
}

// kaChoice is yes, no, or what is otherwise so.
type kaChoice struct {
	said, yes bool
}

func (c kaChoice) or(other kaChoice) kaChoice {
	if c.said {
		return c
	}
	return other
}

// kaChoose reads a choice.
func kaChoose(c *kaChoice) func(*kaNode) kaSaid {
	return kaYes(func(yes bool) { *c = kaChoice{true, yes} })
}

// alerting reads an smtp_alert, which means nothing where there is nobody to tell.
func (k *kaImport) alerting(c *kaChoice) func(*kaNode) kaSaid {
	return func(n *kaNode) kaSaid {
		if said := kaChoose(c)(n); said.what != "" || len(k.mail.to) > 0 {
			return said
		}
		return kaSaid{Hint, "there is no notification_email whom it would be sent to"}
	}
}

// The times that a notify block may wait.
const (
	kaLeastMail = time.Second
	kaMostMail  = 5 * time.Minute
)

// statements are those of global_defs about mails.
func (m *kaMail) statements(k *kaImport) kaStatements {
	s := make(kaStatements)
	s["notification_email"] = func(n *kaNode) kaSaid {
		n.read, m.node = true, n
		for _, line := range n.nodes {
			for _, word := range line.words {
				k.say(kaCluster, line.at, m.recipient(word))
			}
		}
		return kaSaid{}
	}
	s["notification_email_from"] = kaOne(func(value string) kaSaid {
		address, said := kaAddress(value)
		m.from = address
		return said
	})
	s["smtp_server"] = func(n *kaNode) kaSaid {
		if m.server = n.word(0); m.server == "" {
			return kaSaid{Lost, "it has no value"}
		}
		if port := n.word(1); port != "" {
			m.server = net.JoinHostPort(m.server, port)
		}
		return kaSaid{}
	}
	s["smtp_connect_timeout"] = kaTimer(func(d time.Duration) { m.timeout = min(max(d, kaLeastMail), kaMostMail) })
	s["smtp_alert"], s["smtp_alert_vrrp"], s["smtp_alert_checker"] = kaChoose(&m.all), kaChoose(&m.vrrp), kaChoose(&m.checkers)
	s["no_checker_emails"] = func(*kaNode) kaSaid { m.checkers = kaChoice{true, false}; return kaSaid{} }
	for word, read := range s {
		if word != "notification_email" {
			s[word] = func(n *kaNode) kaSaid {
				m.around = append(m.around, n)
				return read(n)
			}
		}
	}
	return s
}

func (m *kaMail) recipient(word string) kaSaid {
	address, said := kaAddress(word)
	switch {
	case address == "":
	case slices.Contains(m.to, address):
		return kaSay(Hint, "%s gets it already", address)
	default:
		m.to = append(m.to, address)
	}
	return said
}

// kaAddress reads a mail address, with a name before it or without one.
func kaAddress(s string) (address string, said kaSaid) {
	a, err := mail.ParseAddress(s)
	switch {
	case err != nil:
		return "", kaSay(Lost, "%q is not a mail address with a domain", s)
	case a.Name != "":
		return a.Address, kaSaid{Hint, "an address is written without a name"}
	}
	return a.Address, kaSaid{}
}

// kaAlerts are what mails tell of a virtual.
type kaAlerts struct {
	virtuals       []*virtual
	quorum, server bool
}

// alerts are the virtual's, with what its servers say.
func (v *kaVirtual) alerts() kaAlerts {
	m := v.k.mail
	usual := m.checkers.or(m.all)
	a := kaAlerts{virtuals: v.virtuals, quorum: v.alert.or(usual).yes}
	for _, s := range v.servers {
		a.server = a.server || s.alert.or(usual).or(kaChoice{yes: true}).yes
	}
	for _, s := range v.servers {
		if s.alert.said && !s.alert.yes && a.server && len(m.to) > 0 {
			v.k.say(s.about, s.node.statement("smtp_alert").at, kaSaid{Changed, "a mail tells of all servers of a virtual, or of none"})
		}
	}
	return a
}

// mails adds the blocks that send them, one for each set of things that the same events are told of.
func (k *kaImport) mails() {
	m := k.mail
	var quorums, servers []*virtual
	of := 0
	for _, a := range k.alerts {
		of += len(a.virtuals)
		if a.quorum {
			quorums = append(quorums, a.virtuals...)
		}
		if a.server {
			servers = append(servers, a.virtuals...)
		}
	}
	var blocks []*notify
	if k.routerAlert || m.vrrp.or(m.all).yes {
		blocks = k.mailed(blocks, nil, config.EventActive, config.EventInactive)
	}
	for _, x := range []struct {
		virtuals []*virtual
		up, down config.EventKind
	}{{quorums, config.EventVirtualUp, config.EventVirtualDown}, {servers, config.EventServerUp, config.EventServerDown}} {
		switch len(x.virtuals) {
		case 0:
		case of:
			blocks = k.mailed(blocks, nil, x.up, x.down)
		default:
			blocks = k.mailed(blocks, x.virtuals, x.up, x.down)
		}
	}
	if len(blocks) > 0 {
		return
	}
	if m.node != nil && len(m.node.nodes) > 0 && len(m.to) > 0 {
		k.say(kaCluster, m.node.at, kaSaid{Hint, kaNobodyTold})
	}
	for _, n := range m.around {
		k.say(kaCluster, n.at, kaSaid{Hint, kaNobodyTold})
	}
}

const kaNobodyTold = "no mail is sent: nobody is named, no smtp_alert says of what, or there are no servers"

// mailed has events mailed, in the block of those that are about the same virtuals.
func (k *kaImport) mailed(blocks []*notify, virtuals []*virtual, events ...config.EventKind) []*notify {
	m := k.mail
	if len(m.to) == 0 {
		return blocks
	}
	for _, n := range blocks {
		if slices.Equal(n.virtuals, virtuals) {
			n.Events = append(n.Events, events...)
			return blocks
		}
	}
	n := k.b.notify("mail"+strings.Repeat("-more", len(blocks)), m.node.at)
	n.Events, n.virtuals = events, virtuals
	n.Mail, n.From, n.SMTP = m.to, cmp.Or(m.from, kaSender), m.server
	n.Timeout = cmp.Or(m.timeout, n.Timeout)
	if m.from == "" {
		k.say(n.path, m.node.at, kaSay(Changed, "no sender is named: it is %s, which a mail server may refuse", kaSender))
	}
	return append(blocks, n)
}

// kaSender is who sends mails when nobody is named.
const kaSender = "polso@localhost"
