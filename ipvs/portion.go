package ipvs

import "slices"

// portion is how many services' destinations are read in one call. A call is bounded, and whoever has a step to do waits for the one
// that is under way: 2,284 services in one took longer than any call may on a router that was busy.
const portion = 128

// inPortions reads a table: the services, and then the destinations of so many of them at a time.
func inPortions(overview func() (Table, Stats, error), fill func([]Service) (Table, Stats, error)) (Table, Stats, error) {
	t, st, err := overview()
	if err != nil {
		return Table{}, nil, err
	}
	whole := Table{Timeouts: t.Timeouts}
	for services := range slices.Chunk(t.Services, portion) {
		part, counters, err := fill(services)
		if err != nil {
			return Table{}, nil, err
		}
		whole.Services = append(whole.Services, part.Services...)
		for key, of := range counters {
			of.Counters = st[key].Counters
			st[key] = of
		}
	}
	return whole.Canonical(), st, nil
}
