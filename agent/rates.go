package agent

import (
	"context"
	"math"
	"sync"
	"time"

	"polso/api"
	"polso/config"
	"polso/director"
	"polso/ipvs"
)

// How finely the rates are kept. Up to so many virtuals each has what the total has, an hour by the second and a day by the minute, in
// 81 kB; up to so many more an hour by ten seconds and a day by five minutes, in 10 kB; beyond there is the total alone. That is 21 MB
// at most.
const (
	finelyKept  = 100
	coarselyFor = 2000
)

// measured is what a row of a ring has: connections, bytes in and bytes out a second, and established connections.
type measured [4]float32

var nothing = measured{float32(math.NaN()), float32(math.NaN()), float32(math.NaN()), float32(math.NaN())}

// memory remembers what this router's kernel estimated, of each virtual and of all together, since it runs.
type memory struct {
	read     func() *director.Status // what the director has read anyway
	document func() []config.Virtual

	mu    sync.Mutex // guards below
	total [2]*ring   // by span: an hour, a day
	each  [2]*ring
}

// spans are the places in memory.total and memory.each.
var spans = map[string]int{"hour": 0, "day": 1}

func newMemory(read func() *director.Status, document func() []config.Virtual) *memory {
	return &memory{read: read, document: document, total: fine()}
}

func fine() [2]*ring { return [2]*ring{newRing(1, 3600), newRing(60, 1440)} }

func coarse() [2]*ring { return [2]*ring{newRing(10, 360), newRing(300, 288)} }

// run notes once a second.
func (r *memory) run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case at := <-tick.C:
			r.note(at.Unix())
		}
	}
}

// note remembers what the kernel has at a second.
func (r *memory) note(at int64) {
	stats, virtuals := r.read().Stats, r.document()
	now, sum := make(map[string]measured, len(virtuals)), measured{}
	for _, v := range virtuals {
		key, _ := director.KeyOf(v)
		one := measure(stats[key])
		for i := range sum {
			sum[i] += one[i]
		}
		now[v.Name] = one
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fit(len(virtuals))
	for i := range r.total {
		r.total[i].add(at, map[string]measured{"": sum})
		if r.each[i] != nil {
			r.each[i].add(at, now)
		}
	}
}

// fit has the rings be as fine as so many virtuals may have them. Those of another fineness begin anew.
func (r *memory) fit(virtuals int) {
	have := 0
	if r.each[0] != nil {
		have = r.each[0].step
	}
	switch {
	case virtuals > coarselyFor:
		r.each = [2]*ring{}
	case virtuals > finelyKept && have != 10:
		r.each = coarse()
	case virtuals <= finelyKept && have != 1:
		r.each = fine()
	}
}

func measure(s ipvs.ServiceStats) measured {
	active := 0
	for _, d := range s.Destinations {
		active += d.Active
	}
	return measured{float32(s.CPS), float32(s.BPSIn), float32(s.BPSOut), float32(active)}
}

// columns are the rows since a time, of a virtual or, by "", of all; false if that is not kept of it.
func (r *memory) columns(virtual, span string, since int64) (api.History, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from := r.each[spans[span]]
	if virtual == "" {
		from = r.total[spans[span]]
	}
	if from == nil {
		return api.History{}, false
	}
	return from.columns(virtual, since), true
}

// ring has the rows of several series by time, each the mean of what was noted within its step. The oldest are written over.
type ring struct {
	step   int                   // seconds
	at     []int64               // the turn that a row is of: seconds since 1970 by the step; 0: of none
	series map[string][]measured // rows, likewise; nothing in those before it was there
	noted  int                   // within the newest row
}

func newRing(step, rows int) *ring {
	return &ring{step: step, at: make([]int64, rows), series: make(map[string][]measured)}
}

// add notes what is at a second. A series that is not among it ends.
func (r *ring) add(at int64, now map[string]measured) {
	turn := at / int64(r.step)
	row := int(turn % int64(len(r.at)))
	if r.at[row] != turn {
		r.at[row], r.noted = turn, 0
	}
	r.noted++
	for name, rows := range r.series {
		one, there := now[name]
		switch {
		case !there:
			delete(r.series, name)
		case r.noted == 1:
			rows[row] = one
		default:
			for i, x := range one {
				if math.IsNaN(float64(rows[row][i])) {
					rows[row][i] = x // it came within the row
				}
				rows[row][i] += (x - rows[row][i]) / float32(r.noted)
			}
		}
	}
	for name, one := range now {
		if _, there := r.series[name]; there {
			continue
		}
		rows := make([]measured, len(r.at))
		for i := range rows {
			rows[i] = nothing
		}
		rows[row] = one
		r.series[name] = rows
	}
}

// columns are a series' rows after a time, oldest first. Where rows are missing, one of nothing stands for them.
func (r *ring) columns(name string, since int64) api.History {
	out := api.History{Step: r.step, Times: []int64{}}
	put := func(at int64, m measured) {
		out.Times = append(out.Times, at)
		for i, column := range []*[]*float64{&out.Connections, &out.BytesIn, &out.BytesOut, &out.Active} {
			*column = append(*column, number(m[i]))
		}
	}
	newest := 0
	for i, turn := range r.at {
		if turn > r.at[newest] {
			newest = i
		}
	}
	rows, before := r.series[name], int64(0)
	for i := range r.at {
		row := (newest + 1 + i) % len(r.at)
		at := r.at[row] * int64(r.step)
		if r.at[row] <= r.at[newest]-int64(len(r.at)) || at <= since || rows == nil {
			continue
		}
		if before != 0 && at-before > 3*int64(r.step) { // one that came a moment late is no gap
			put(before+int64(r.step), nothing)
		}
		if before == 0 && math.IsNaN(float64(rows[row][0])) {
			continue // before it was there
		}
		put(at, rows[row])
		before = at
	}
	return out
}

func number(x float32) *float64 {
	f := math.Round(float64(x)*10) / 10
	if math.IsNaN(f) {
		return nil
	}
	return &f
}
