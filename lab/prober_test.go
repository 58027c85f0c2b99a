package lab

import (
	"testing"
	"time"
)

func TestBetween(t *testing.T) {
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	p := &Prober{}
	for _, ms := range []int{0, 10, 20, 30, 200, 210} {
		p.sent = append(p.sent, at(ms))
	}
	for _, ms := range []int{0, 10, 20, 200} {
		p.answers = append(p.answers, Answer{at(ms), "a"})
	}
	p.answers = append(p.answers, Answer{at(210), "b"})
	for _, tt := range []struct {
		name           string
		from, to       int
		sent, answered int
		gap, gapStart  int
		servers        int
	}{
		{"all of it", 0, 220, 6, 5, 180, 20, 2},
		{"silence at the beginning", 100, 220, 2, 2, 100, 100, 2},
		{"silence at the end", 0, 150, 4, 3, 130, 20, 1},
		{"nothing but silence", 40, 190, 0, 0, 150, 40, 0},
		{"the end is not in it", 0, 20, 2, 2, 10, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := p.Between(at(tt.from), at(tt.to))
			if r.Sent != tt.sent || r.Answered != tt.answered || len(r.Servers) != tt.servers {
				t.Errorf("%v, want %d of %d from %d servers", r, tt.answered, tt.sent, tt.servers)
			}
			if r.Gap.Milliseconds() != int64(tt.gap) || !r.GapStart.Equal(at(tt.gapStart)) {
				t.Errorf("gap %v from %v, want %d ms from %d ms", r.Gap, r.GapStart.Sub(start), tt.gap, tt.gapStart)
			}
		})
	}
}

func TestDocumentOfTheLaboratory(t *testing.T) {
	t.Setenv("POLSO_LAB_EMULATED", "")
	l := &Lab{options: Options{Behind: []string{"na"}}, Servers: map[string]*Server{
		"a": {Node: &Node{Host: 21}}, "na": {Node: &Node{Host: 31}},
	}}
	got := l.Document(
		Virtual{Name: "dns", Address: WebVIP6, Port: echoPort, Protocol: "udp", Scheduler: "mh", Servers: []string{"a"}, Weights: map[string]int{"a": 3}},
		Virtual{Name: "nat", Address: NATVIP, Port: httpPort, Protocol: "tcp", Servers: []string{"na"}},
	)
	want := `virtual "dns" {
  address   = "fd09::50"
  interface = "outside"
  port      = 7000
  protocol  = "udp"
  scheduler = "mh"
  forward   = "dr"
  check "tcp" {
    port    = 7000
    every   = "500ms"
    timeout = "500ms"
    rise    = 1
    fall    = 2
  }
  server "a" {
    address = "fd09::21"
    weight  = 3
  }
}

virtual "nat" {
  address   = "10.9.0.51"
  interface = "outside"
  port      = 80
  protocol  = "tcp"
  scheduler = "rr"
  forward   = "nat"
  check "http" {
    path    = "/"
    status  = "200"
    every   = "500ms"
    timeout = "500ms"
    rise    = 1
    fall    = 2
  }
  server "na" {
    address = "10.9.1.31"
    weight  = 1
  }
}

vip "gateway" {
  address   = "10.9.1.1/24"
  interface = "inside"
}

`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
