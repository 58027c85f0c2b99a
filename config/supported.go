package config

import "fmt"

// Unsupported checks a document for what this release understands but cannot do. Its error is Errors, each with the path of
// what is meant and the words "not supported yet"; a document with such a thing must be refused, never half obeyed. Load does
// the same with places.
func (d Document) Unsupported() error {
	return unsupported(d).orNil()
}

func unsupported(d Document) Errors {
	var v verdicts
	for _, x := range d.VIPs {
		if x.Group != "default" {
			v.notYet(path("").block("vip", x.Name).attr("group"), fmt.Sprintf("group %q", x.Group), "All addresses move together.", "Remove it.")
		}
	}
	for _, x := range d.Virtuals {
		v.virtualNotYet(path("").block("virtual", x.Name), x)
	}
	return v.list
}

func (v *verdicts) virtualNotYet(p path, x Virtual) {
	if x.Check != nil {
		v.checkNotYet(p.attr("check"), *x.Check)
	}
	for _, s := range x.Servers {
		if s.Check != nil {
			v.checkNotYet(p.block("server", s.Name).attr("check"), *s.Check)
		}
	}
	for _, s := range x.Sorry {
		if s.Check != nil {
			v.checkNotYet(p.block("sorry_server", s.Name).attr("check"), *s.Check)
		}
	}
}

func (v *verdicts) checkNotYet(p path, c Check) {
	if c.Through != "" {
		v.notYet(p.attr("through"), "through", "Servers are asked at their own addresses.", "Remove it.")
	}
	for i, inner := range c.Of {
		v.checkNotYet(p.checkIn(i), inner)
	}
}

func (v *verdicts) notYet(p path, what, why, fix string) {
	v.add(p, what+" is not supported yet", why, fix)
}
