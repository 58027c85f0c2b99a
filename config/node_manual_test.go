package config

import (
	"reflect"
	"testing"
)

// The manual of node.hcl has every setting there is, and none else.
func TestNodeManual(t *testing.T) {
	value := map[Form]string{Text: `"real"`, Texts: `["a"]`, TextMap: `{ a = "b" }`}
	topics := NodeManual().Topics
	for _, topic := range topics {
		text := topic.Name + " = " + value[topic.Form] + "\n"
		if topic.Value == "an absolute path" {
			text = topic.Name + ` = "/x"`
		}
		n, err := LoadNode(File{Name: "node.hcl", Text: []byte(text)})
		if err != nil || reflect.ValueOf(n).IsZero() {
			t.Errorf("%s: %+v, %v", topic.Name, n, err)
		}
	}
	if known := reflect.TypeFor[Node]().NumField(); len(topics) != known {
		t.Errorf("the manual has %d settings, node.hcl %d", len(topics), known)
	}
}
