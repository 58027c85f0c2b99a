package config

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// A memory says of each text what Load says of it, whatever it has read before.
func TestMemoryIsLoad(t *testing.T) {
	text := string(large(60))
	with := func(from, to string) string {
		changed := strings.Replace(text, from, to, 1)
		if changed == text {
			t.Fatalf("%q is not in the text", from)
		}
		return changed
	}
	cluster := "cluster {\n  failback = true\n}\n"
	texts := []string{
		text, text, with("weight  = 1", "weight  = 2"), text, cluster + text, text + cluster, cluster + text + cluster,
		with("weight  = 1", "weight  = -1"), with("weight  = 1", "weight  = x"), with("weight", "wieght"), text[:len(text)/2], text[len(text)/2:],
		with("virtual \"v50\"", "virtual \"v3\""), with("virtual \"v50\"", "/* a */ virtual \"v150\""), with("virtual \"v50\"", "virtual \"w\""),
		"vip \"x\" {\n  address = \"10.8.0.1/24\"\n  group = \"other\"\n}\n" + text, "x = 1\n" + text, text + "x = 1\n", "", "cluster {}\n", "{}", text,
	}
	var m Memory
	for i, text := range texts {
		f := File{"large.hcl", []byte(text)}
		want, wrong := Load(f)
		got, err := m.Load(f)
		if !reflect.DeepEqual(err, wrong) || !reflect.DeepEqual(got, want) {
			t.Errorf("text %d: %v, equal %v; Load says %v", i, err, reflect.DeepEqual(got, want), wrong)
		}
		if err == nil && len(got.Virtuals) > 0 && len(got.Virtuals[0].Servers) > 0 {
			got.Virtuals[0].Servers[0].Weight = 77 // it is the caller's
		}
	}
	if n := len(m.last) + len(m.before); n == 0 || n > 20 {
		t.Errorf("%d pieces are remembered", n)
	}
	half := len(text)/2 + strings.Index(text[len(text)/2:], "\n}\n") + 3
	files := []File{{"a.hcl", []byte(text[:half])}, {"b.hcl", []byte(text[half:])}}
	want, _ := Load(files...)
	if got, err := m.Load(files...); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("two files: %v", err)
	}
	files[1].Name = "a.hcl"
	if _, err := m.Load(files...); err == nil {
		t.Error("a file that is named twice passes")
	}
}

// A memory makes each edit as Revise makes it.
func TestMemoryRevises(t *testing.T) {
	text := bytes.ReplaceAll(large(60), []byte("virtual \"v"), []byte("# about it\nvirtual \"v"))
	running, err := Load(File{Text: text})
	if err != nil {
		t.Fatal(err)
	}
	var m Memory
	for _, name := range []string{"v0", "v33", "v59", "v60"} {
		for _, e := range []Edit{
			{Set, KindServer, name + "/s2", []string{"weight=9"}}, {Set, KindVirtual, name, []string{"scheduler=mh"}}, {Set, KindVirtual, name, []string{"scheduler"}},
			{Del, KindServer, name + "/s0", nil},
			{Del, KindVirtual, name, nil}, {Add, KindVirtual, name, []string{"address=10.8.1.1", "port=80"}},
		} {
			want, wrong := Revise(text, running, e)
			got, err := m.Revise(text, running, e)
			if !reflect.DeepEqual(err, wrong) || !bytes.Equal(got, want) {
				t.Fatalf("%v: %v, %d bytes; Revise says %v, %d bytes", e, err, len(got), wrong, len(want))
			}
		}
	}
	e := Edit{Set, KindServer, "v7/s2", []string{"weight=9"}}
	for _, source := range [][]byte{text[len(text)/2:], nil} { // which do not mean the running document
		want, _ := Revise(source, running, e)
		if got, err := m.Revise(source, running, e); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%.20q: %v, %d bytes, want %d", source, err, len(got), len(want))
		}
	}
	raised, err := m.Revise(text, running, e)
	if err != nil {
		t.Fatal(err)
	}
	if doc, err := m.Load(File{Text: raised}); err != nil || doc.Virtuals[slices.IndexFunc(doc.Virtuals, func(v Virtual) bool { return v.Name == "v7" })].Servers[2].Weight != 9 {
		t.Errorf("the edit does not say what it should: %v", err)
	}
}

func BenchmarkLoad(b *testing.B) {
	one, other := large(1000), bytes.Replace(large(1000), []byte("weight  = 1"), []byte("weight  = 2"), 1)
	b.Run("whole", func(b *testing.B) {
		for b.Loop() {
			if _, err := Load(File{Text: one}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("one server changed", func(b *testing.B) {
		var m Memory
		if _, err := m.Load(File{Text: one}); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			one, other = other, one
			if _, err := m.Load(File{Text: one}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRevise(b *testing.B) {
	text := large(1000)
	running, err := Load(File{Text: text})
	if err != nil {
		b.Fatal(err)
	}
	var m Memory
	if _, err := m.Load(File{Text: text}); err != nil {
		b.Fatal(err)
	}
	for name, revise := range map[string]func([]byte, Document, Edit) ([]byte, error){"whole": Revise, "remembered": m.Revise} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := revise(text, running, Edit{Set, KindServer, "v400/s2", []string{"weight=9"}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
