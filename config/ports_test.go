package config

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What names a service decides whether its connections stay: with several ports the name alone, with one the address alone.
func TestMarkIsOfTheNameAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := documents().Draw(t, "document")
		for _, v := range d.Virtuals {
			if !v.several() {
				continue
			}
			w := v.Clone()
			w.Ports, w.Ranges = append([]uint16{7}, v.Ports...), nil
			w.Address, w.Protocol, w.Scheduler, w.Servers = drawAddr(v.Family, 198, 99, 1), UDP, "rr", nil
			if v.Service() != w.Service() {
				t.Errorf("%+v became %+v by an edit", v.Service(), w.Service())
			}
			if v.Mark()&^MarkBits != MarkBase {
				t.Errorf("mark %#x is not one of Polso's", v.Mark())
			}
			w.Name += "x"
			if v.Service() == w.Service() {
				t.Errorf("%q and %q make the same mark", v.Name, w.Name)
			}
		}
	})
}

// The marks are what every release and every router makes: never change these.
func TestMarksStand(t *testing.T) {
	for name, want := range map[string]uint32{"web": 0x5fd9bc91, "ftp": 0x58ddd02e, "a": 0x540c2922} {
		v := Virtual{Name: name, Ports: []uint16{80, 443}}
		if got := v.Mark(); got != want {
			t.Errorf("%s: mark %#x, want %#x", name, got, want)
		}
	}
	for _, v := range []Virtual{{Name: "web", Ports: []uint16{80}}, {Name: "web", Ports: []uint16{0}}, {Name: "web"}} {
		if v.Mark() != 0 {
			t.Errorf("%+v has a mark", v)
		}
	}
}

// namesakes finds two names that make one mark, as nobody will in a lifetime of documents.
func namesakes(t *testing.T) (string, string) {
	seen := make(map[uint32]string)
	for i := range 1 << 20 {
		v := Virtual{Name: fmt.Sprintf("v%d", i), Ports: []uint16{1, 2}}
		if first, ok := seen[v.Mark()]; ok {
			return first, v.Name
		}
		seen[v.Mark()] = v.Name
	}
	t.Fatal("no two names make one mark: is it still made of 28 bits?")
	return "", ""
}

func TestTwoNamesOneMark(t *testing.T) {
	a, b := namesakes(t)
	text := fmt.Sprintf("virtual %q {\n address = \"192.0.2.10\"\n ports = [80, 443]\n}\nvirtual %q {\n address = \"192.0.2.11\"\n ports = [80, 443]\n}\n", a, b)
	_, err := Load(File{"d.hcl", []byte(text)})
	if err == nil || !strings.Contains(err.Error(), "make the same firewall mark") || !strings.Contains(err.Error(), "Rename one of them") {
		t.Errorf("got %v", err)
	}
	if _, err := Load(File{"d.hcl", []byte(strings.Replace(text, b, b+"-2", 1))}); err != nil {
		t.Errorf("after the fix: %v", err)
	}
}

func TestPortsInJSON(t *testing.T) {
	const text = `{"virtuals":[{"name":"web","address":"192.0.2.10","ports":["8000-8100",443,80]}]}`
	d, err := Load(File{"d.json", []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	canonical, err := Canonical(d)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(canonical), `"ports":[80,443,"8000-8100"]`) {
		t.Errorf("got %s", canonical)
	}
	for _, wrong := range []string{`["x"]`, `["0-5"]`, `["9-9"]`, `[70000]`, `[1.5]`, `["1-70000"]`} {
		if _, err := FromCanonical([]byte(`{"schema":1,"virtuals":[{"name":"web","ports":` + wrong + `}]}`)); err == nil {
			t.Errorf("ports %s are taken", wrong)
		}
	}
}
