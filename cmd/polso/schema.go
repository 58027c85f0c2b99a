package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"polso/api"
)

// listing is several things as one document: {"schema":"polso/v1","virtuals":[…]}. items is a list and not nil.
type listing struct {
	of    string
	items any
}

// MarshalJSON implements json.Marshaler.
func (l listing) MarshalJSON() ([]byte, error) {
	items, err := compact(l.items)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "{%q:%q,%q:%s}", "schema", api.Schema, l.of, items), nil
}

// one is a thing as a document of its own: the schema, then the thing's own names. item has a JSON object, not an empty one.
type one struct{ item any }

// MarshalJSON implements json.Marshaler.
func (o one) MarshalJSON() ([]byte, error) {
	item, err := compact(o.item)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "{%q:%q,%s", "schema", api.Schema, item[1:]), nil
}

// compact is data as JSON whose text stays as it is: nothing here ends up in a page of HTML.
func compact(data any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(data)
	return bytes.TrimSpace(b.Bytes()), err
}
