package metrics

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"polso/api"
)

// Series is a metric as the reference describes it.
type Series struct {
	Name, Kind, Help string
	Labels           []string
}

// Manual returns every metric of Polso's own, by name: those of the process, of Go and of the raft library are theirs.
func Manual() ([]Series, error) {
	var all []Series
	for _, f := range families() {
		kind := "gauge"
		if strings.HasSuffix(f.name, "_total") {
			kind = "counter"
		}
		all = append(all, Series{Name: f.name, Kind: kind, Help: f.help, Labels: f.labels})
	}
	told, err := New(func() Picture { return Picture{} }, api.Version{}).all.Gather()
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	for _, m := range told {
		name := m.GetName()
		known := slices.ContainsFunc(all, func(s Series) bool { return s.Name == name })
		if strings.HasPrefix(name, "polso_") && !known {
			all = append(all, Series{Name: name, Kind: strings.ToLower(m.GetType().String()), Help: m.GetHelp()})
		}
	}
	slices.SortFunc(all, func(a, b Series) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}
