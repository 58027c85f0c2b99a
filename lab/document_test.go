package lab

import "testing"

func TestTableOf(t *testing.T) {
	l := &Lab{options: Options{Behind: []string{"na"}}, Servers: map[string]*Server{}}
	for i, name := range []string{"a", "b"} {
		l.Servers[name] = &Server{Node: &Node{Name: name, Host: firstBeside + i}}
	}
	l.Servers["na"] = &Server{Node: &Node{Name: "na", Host: firstBehind}}
	got := l.TableOf(
		Virtual{Name: "dns", Address: WebVIP, Port: 7000, Protocol: "udp", Servers: []string{"a", "b"}, Weights: map[string]int{"b": 7}},
		Virtual{Name: "nat6", Address: NATVIP6, Port: 80, Protocol: "tcp", Scheduler: "mh", Servers: []string{"na"}})
	want := `-A -t [fd09::51]:80 -s mh
-A -u 10.9.0.50:7000 -s rr
-a -t [fd09::51]:80 -r [fd09:1::31]:80 -m -w 1
-a -u 10.9.0.50:7000 -r 10.9.0.21:7000 -g -w 1
-a -u 10.9.0.50:7000 -r 10.9.0.22:7000 -g -w 7`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
