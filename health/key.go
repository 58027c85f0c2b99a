package health

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"polso/config"
)

// Key identifies a Target: equal keys mean the same question put to the same address at the same pace, judged alike.
type Key string

// Key returns the target's identity in words fit for a log: "tcp 10.0.0.1:80 every 2s timeout 1s rise 2 fall 3". What is zero
// is left out.
func (t Target) Key() Key {
	// Every pass asks for the key of every server, several times: no formatting where appending will do.
	c := &t.Check
	b := words(append(make([]byte, 0, 160), t.scheme()...))
	b = t.Addr.AppendTo(append(b, ' '))
	b = b.duration("every", c.Every).duration("timeout", c.Timeout).number("rise", c.Rise).number("fall", c.Fall)
	b = b.duration("fast", c.Fast).text("initial", string(c.Initial)).text("through", string(c.Through))
	if t.through() {
		b = t.Way.Virtual.AppendTo(append(b, ' '))
		b = append(append(b, " by "...), t.Way.Forward...)
	}
	if c.Flaps != 0 {
		b = b.number("flaps", c.Flaps).duration("window", c.FlapWindow).duration("hold", c.FlapHold)
	}
	if c.Kind == config.CheckTCP {
		return Key(b)
	}
	if t.compound() {
		b = b.number("need", c.Need)
		for _, child := range t.Children() {
			b = append(append(append(b, " ("...), child.Key()...), ')')
		}
		return Key(b)
	}
	b = b.text("path", c.Path).text("host", c.Host)
	if len(c.Status) > 0 {
		b = append(b, " status"...)
		for _, r := range c.Status {
			b = strconv.AppendInt(append(b, ' '), int64(r.From), 10)
			b = strconv.AppendInt(append(b, '-'), int64(r.To), 10)
		}
	}
	b = b.text("method", c.Method)
	if len(c.Headers) > 0 {
		for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
			b = b.always("header", name).always("value", c.Headers[name])
		}
	}
	b = b.text("version", c.Version).number("redirects", c.Redirects)
	b = b.text("contains", c.Contains).text("matches", c.Matches).text("json", c.JSON)
	b = b.flag("tls", c.TLS).flag("unverified", c.NoVerify).text("ca", c.CA).text("server_name", c.ServerName)
	b = b.text("client_cert", c.ClientCert).text("client_key", c.ClientKey).duration("expiry_warn", c.ExpiryWarn)
	b = b.text("send", c.Send).text("expect", c.Expect).text("user", c.User).text("service", c.Service)
	b = b.text("query", c.Query).text("type", c.Type).text("answer", c.Answer)
	for _, word := range c.Command {
		b = b.always("command", word)
	}
	return Key(b)
}

// words is a key in the making.
type words []byte

func (w words) name(name string) words { return append(append(append(w, ' '), name...), ' ') }

func (w words) duration(name string, d time.Duration) words {
	if d == 0 {
		return w
	}
	return append(w.name(name), d.String()...)
}

func (w words) number(name string, n int) words {
	if n == 0 {
		return w
	}
	return strconv.AppendInt(w.name(name), int64(n), 10)
}

func (w words) flag(name string, set bool) words {
	if !set {
		return w
	}
	return append(append(w, ' '), name...)
}

// text quotes s, so that no value can imitate another field.
func (w words) text(name, s string) words {
	if s == "" {
		return w
	}
	return w.always(name, s)
}

func (w words) always(name, s string) words { return strconv.AppendQuote(w.name(name), s) }
