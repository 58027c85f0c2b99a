package web

import (
	"slices"
	"strings"

	"polso/config"
)

// shelf is the fields of a form that people think of together: those that many set, and behind a fold those that few do.
type shelf struct {
	Title string
	Usual []*formField
	Rare  []*formField
	Outs  []string // paths of blocks that can be taken out
	Lacks []string // of those that are not there
	Open  bool     // something behind the fold is set, or wrong
}

// order is which fields stand on a shelf, by their paths, or by those of their blocks.
type order struct {
	title       string
	usual, rare []string
}

// The orders. What none of them names stands on a shelf of its own, so that what is new in the manual has its place.
var (
	ofVirtual = []order{
		{"Address", []string{"address", "port", "protocol"}, []string{"ports", "interface", "fwmark", "family"}},
		{"Scheduling", []string{"scheduler"}, []string{"flags"}},
		{"Forwarding", []string{"forward"}, []string{"masquerade", "tunnel"}},
		{"Persistence", []string{"persistent"}, nil},
		{"Failure", []string{"sorry_server", "min_servers", "on_failure"}, []string{"hysteresis", "panic", "slow_start", "slow_curve", "probe", "votes"}},
		{"In use", []string{"active"}, nil},
	}
	ofServer = []order{
		{"Server", []string{"address", "weight"}, []string{"forward", "tunnel"}},
		{"Limits", nil, []string{"upper", "lower"}},
	}
	ofCheck = []order{
		{"When", []string{"every", "timeout", "rise", "fall"}, []string{"fast", "initial", "flaps", "flap_window", "flap_hold"}},
		{"Certificates", nil, []string{"verify", "ca", "server_name", "client_cert", "client_key", "expiry_warn"}},
		{"Where", nil, []string{"port", "through"}},
	}
)

// shelves arranges the fields; in begins their paths and is not said in the orders: "", or "check.".
func (f *form) shelves(in string, orders []order) []shelf {
	var out []shelf
	placed := make(map[*formField]bool)
	take := func(to *[]*formField, path string) {
		for field := range f.all {
			if !placed[field] && within(strings.TrimPrefix(field.Path, in), path) {
				placed[field] = true
				field.Label = strings.NewReplacer(".", " ", "_", " ").Replace(strings.TrimPrefix(field.Path, in)) // "tunnel port" beside "port"
				*to = append(*to, field)
			}
		}
	}
	for _, o := range orders {
		s := shelf{Title: o.title}
		for _, path := range o.usual {
			take(&s.Usual, path)
		}
		for _, path := range o.rare {
			take(&s.Rare, path)
		}
		for _, g := range f.Groups {
			own := slices.ContainsFunc(slices.Concat(o.usual, o.rare), func(path string) bool { return within(strings.TrimPrefix(g.Path, in), path) })
			switch {
			case g.Path == "" || !own:
			case g.There:
				s.Outs = append(s.Outs, g.Path)
			default:
				s.Lacks = append(s.Lacks, g.Path)
			}
		}
		out = append(out, s)
	}
	own := shelf{}
	take(&own.Usual, "")
	if len(own.Usual) > 0 {
		out = append([]shelf{own}, out...)
	}
	for i := range out {
		out[i].Open = slices.ContainsFunc(out[i].Rare, func(f *formField) bool { return f.Value != "" || len(f.Problems) > 0 })
	}
	return slices.DeleteFunc(out, func(s shelf) bool { return len(s.Usual)+len(s.Rare) == 0 })
}

// within tells whether the path is that of a part, or inside it; "" is the whole.
func within(path, part string) bool {
	return part == "" || path == part || strings.HasPrefix(path, part+".")
}

// partTopic is what the manual says of a kind of part.
func partTopic(kind config.Kind) config.Topic {
	path := string(kind)
	if kind == config.KindServer || kind == config.KindSorryServer {
		path = string(config.KindVirtual) + "." + path
	}
	t, err := config.Explain(path)
	if err != nil {
		panic("web: the manual lacks " + path) // it is built in
	}
	return t
}
