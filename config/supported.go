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
	if x.SorryServer != nil {
		v.notYet(p.attr("sorry_server"), "sorry_server", "A virtual whose servers are all down refuses connections.", "Remove it.")
	}
	if x.MinServers > 1 {
		v.notYet(p.attr("min_servers"), "min_servers above 1", "A virtual is up as long as one server is.", "Remove it.")
	}
}

func (v *verdicts) notYet(p path, what, why, fix string) {
	v.add(p, what+" is not supported yet", why, fix)
}
