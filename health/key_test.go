package health

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"polso/config"
)

func keyed() Target {
	return Target{Addr: netip.MustParseAddrPort("10.0.0.1:80"), Check: config.Check{
		Kind: config.CheckHTTP, Every: 2 * time.Second, Timeout: time.Second, Rise: 2, Fall: 3, Flaps: 4, Path: "/", Host: "a",
		Status: []config.StatusRange{{From: 200, To: 299}},
	}}
}

func TestKeyTellsApart(t *testing.T) {
	base := keyed()
	const want = `http 10.0.0.1:80 every 2s timeout 1s rise 2 fall 3 flaps 4 path "/" host "a" status 200-299`
	if got := base.Key(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if other := keyed(); other.Key() != base.Key() {
		t.Error("a copy has another key")
	}
	seen := map[Key]string{base.Key(): "base"}
	tell := func(name string, other Target) {
		t.Helper()
		if twin, ok := seen[other.Key()]; ok {
			t.Errorf("another %s has the key of %s: %s", name, twin, other.Key())
		}
		seen[other.Key()] = name
	}
	// Every field of the check, and so every one that is ever added: Port is in the address, Need and Of are of compounds.
	fields := reflect.TypeFor[config.Check]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		if name == "Port" || name == "Need" || name == "Of" {
			continue
		}
		other := keyed()
		f := reflect.ValueOf(&other.Check).Elem().Field(i)
		switch v := f.Addr().Interface().(type) {
		case *[]config.StatusRange:
			*v = []config.StatusRange{{From: 200, To: 200}}
		case *map[string]string:
			*v = map[string]string{"a": "b"}
		case *[]string:
			*v = []string{"true"}
		default:
			switch f.Kind() {
			case reflect.String:
				f.SetString(`x" host "a`)
			case reflect.Int, reflect.Int64:
				f.SetInt(f.Int() + 7)
			case reflect.Bool:
				f.SetBool(true)
			default:
				t.Fatalf("%s is a %s: give it a value here, and a word in Key", name, f.Kind())
			}
		}
		tell(name, other)
	}
	other := keyed()
	other.Addr = netip.MustParseAddrPort("10.0.0.1:81")
	tell("address", other)
	for name, headers := range map[string]map[string]string{
		"empty header": {"a": ""}, "two headers": {"a": "", "b": ""}, "value like a header": {"a": `" header "b`},
	} {
		other := keyed()
		other.Check.Headers = headers
		tell(name, other)
	}
	for name, command := range map[string][]string{"one word": {"a b"}, "two words": {"a", "b"}, "an empty word": {"a", "b", ""}} {
		other := keyed()
		other.Check.Command = command
		tell(name, other)
	}
}

func TestKeyOfHeadersDoesNotDependOnOrder(t *testing.T) {
	a := keyed()
	a.Check.Headers = map[string]string{"a": "1", "b": "2", "c": "3", "d": "4"}
	want := a.Key()
	for range 50 {
		if got := a.Key(); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
}

func BenchmarkKey(b *testing.B) {
	for _, kind := range []config.CheckKind{config.CheckTCP, config.CheckHTTP} {
		b.Run(string(kind), func(b *testing.B) {
			t := keyed()
			t.Check.Kind = kind
			b.ReportAllocs()
			for b.Loop() {
				_ = t.Key()
			}
		})
	}
}
