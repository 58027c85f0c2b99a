package config

import (
	"fmt"
	"slices"
)

// checkTopic is the check block; text says where it stands.
func checkTopic(text string) Topic {
	inner := checkBlock(func(attribute) bool { return true }, "One of those that a check of kind all, any or some combines; it asks at the outer one's pace unless it says otherwise.")
	inner.Topics = slices.DeleteFunc(inner.Topics, func(t Topic) bool { return slices.Contains(outermost, t.Name) || t.Name == "need" })
	t := checkBlock(func(attribute) bool { return true }, text)
	t.Topics = append(t.Topics, inner)
	return t
}

// checkKindTopic is the check block of one kind, with what it can have.
func checkKindTopic(t Topic, k CheckKind) Topic {
	of := func(a attribute) bool { return a.of(k) }
	if k == https {
		of = func(a attribute) bool { return a.of(CheckHTTP) }
	}
	kind := checkBlock(of, kindText(k))
	kind.Label = string(k)
	if k.compound() && len(t.Topics) > 0 && t.Topics[len(t.Topics)-1].Name == "check" {
		kind.Topics = append(kind.Topics, t.Topics[len(t.Topics)-1])
	}
	return kind
}

func checkBlock(with func(attribute) bool, text string) Topic {
	t := Topic{Name: "check", Label: oneOf(append([]CheckKind{https}, CheckKinds()...)), Text: text}
	for _, a := range checkAttributes {
		if with(a) {
			t.Topics = append(t.Topics, Topic{Name: a.name, Form: a.field.form, Value: a.value, Default: a.written, Text: a.text + a.where()})
		}
	}
	return t
}

// where says which kinds have the attribute.
func (a attribute) where() string {
	if len(a.kinds) == 0 {
		return ""
	}
	return fmt.Sprintf(" Of %s.", oneOf(a.kinds))
}

// kindText is what a check of one kind does.
func kindText(k CheckKind) string {
	return map[CheckKind]string{
		CheckTCP:        "A connection counts as up.",
		CheckTLS:        "A handshake whose certificate is good counts as up.",
		CheckHTTP:       "An answer with one of the statuses, and with what else is wanted of it, counts as up.",
		https:           "The same as http with tls = true, as which it is kept.",
		CheckSend:       "A connection, what is sent, and the answer that is expected.",
		CheckUDP:        "What is sent in a datagram, and the answer that is expected.",
		CheckDNS:        "A question, and an answer to it.",
		CheckICMP:       "An echo.",
		CheckSMTP:       "A greeting, EHLO, and with tls STARTTLS.",
		CheckGRPC:       "The standard health service, which has to say SERVING.",
		CheckScript:     "A program of the router's own, run by an unprivileged user, ended with all it started when the time is over.",
		CheckAgent:      "A line that says up, down, drain, or a weight, as HAProxy's agent check takes it.",
		CheckAll:        "Every check in it has to be up.",
		CheckAny:        "One of the checks in it has to be up.",
		CheckSome:       "So many of the checks in it as need says have to be up.",
		CheckRedis:      "PING, and its answer.",
		CheckMySQL:      "The server's greeting, and the answer to a login.",
		CheckPostgreSQL: "The answer to a start of a session.",
		CheckLDAP:       "An anonymous bind.",
		CheckSIP:        "OPTIONS, and its answer, over UDP.",
		CheckSIPTCP:     "OPTIONS, and its answer, over TCP.",
		CheckFTP:        "The server's greeting; with tls the implicit one of ftps.",
		CheckIMAP:       "The server's greeting.",
		CheckPOP3:       "The server's greeting.",
	}[k]
}
