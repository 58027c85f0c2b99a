package config

import (
	"bytes"
	"encoding/json"

	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Layout returns f's text in the one layout of its language, HCL or JSON, with its comments. It must parse; what it means is not
// looked at. The error is Errors.
func Layout(f File) ([]byte, error) {
	r := newReader()
	r.texts[f.Name] = f.Text
	if IsJSON(f) {
		r.parseJSON(f)
		if err := r.problems.orNil(); err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := json.Indent(&b, bytes.TrimSpace(f.Text), "", "  "); err != nil {
			return nil, err
		}
		return append(b.Bytes(), '\n'), nil
	}
	r.parse(f)
	if err := r.problems.orNil(); err != nil {
		return nil, err
	}
	return hclwrite.Format(f.Text), nil
}
