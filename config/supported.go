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
	return v.list
}

func (v *verdicts) notYet(p path, what, why, fix string) {
	v.add(p, what+" is not supported yet", why, fix)
}
