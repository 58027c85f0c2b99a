package config

import "iter"

// Says yields what the check says beside its kind, as a person writes it, in the order of the manual: "path" and "/alive". Defaults that are
// filled in are among it, and the checks that it combines are not.
func (c Check) Says() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for _, a := range checkAttributes {
			if said := a.said(c); said != "" && !yield(a.name, said) {
				return
			}
		}
	}
}
