package config

import (
	"reflect"
	"testing"
)

// The manual of node.hcl has every setting there is, and none else.
func TestNodeManual(t *testing.T) {
	value := map[Form]string{Text: `"real"`, Texts: `["a"]`, TextMap: `{ a = "b" }`, Truth: "true"}
	text, topics := "", NodeManual().Topics
	for _, topic := range topics {
		v := value[topic.Form]
		if topic.Value == "an absolute path" {
			v = `"/x"`
		}
		text += topic.Name + " = " + v + "\n"
	}
	n, err := LoadNode(File{Name: "node.hcl", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := 0, reflect.ValueOf(n); i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("the manual lacks %s", v.Type().Field(i).Name)
		}
	}
	if known := reflect.TypeFor[Node]().NumField(); len(topics) != known {
		t.Errorf("the manual has %d settings, node.hcl %d", len(topics), known)
	}
}
