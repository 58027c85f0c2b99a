package main

import (
	"bytes"
	"fmt"
	"html/template"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// description is what an OpenAPI document says, as far as the reference shows it.
type description struct {
	Paths      map[string]map[string]*operation `yaml:"paths"`
	Components struct {
		Schemas map[string]*schema `yaml:"schemas"`
	} `yaml:"components"`
}

type operation struct {
	ID          string      `yaml:"operationId"`
	Summary     string      `yaml:"summary"`
	Description string      `yaml:"description"`
	Role        string      `yaml:"x-polso-role"`
	Parameters  []parameter `yaml:"parameters"`
	Body        *struct {
		Content map[string]media `yaml:"content"`
	} `yaml:"requestBody"`
	Responses map[string]struct {
		Description string           `yaml:"description"`
		Content     map[string]media `yaml:"content"`
	} `yaml:"responses"`

	Method, Path string `yaml:"-"`
}

type parameter struct {
	Name, In, Description string
	Required              bool
	Schema                *schema
}

type media struct{ Schema *schema }

type schema struct {
	Ref         string             `yaml:"$ref"`
	Type        any                `yaml:"type"`
	Format      string             `yaml:"format"`
	Description string             `yaml:"description"`
	Enum        []any              `yaml:"enum"`
	Default     any                `yaml:"default"`
	Minimum     any                `yaml:"minimum"`
	Maximum     any                `yaml:"maximum"`
	Items       *schema            `yaml:"items"`
	Properties  map[string]*schema `yaml:"properties"`
	Values      any                `yaml:"additionalProperties"`
	Required    []string           `yaml:"required"`
}

func parseAPI(text []byte) (*description, error) {
	d := new(description)
	if err := yaml.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("api/openapi.yaml: %w", err)
	}
	for path, methods := range d.Paths {
		for method, op := range methods {
			op.Method, op.Path = strings.ToUpper(method), path
			if op.Role == "" {
				return nil, fmt.Errorf("api/openapi.yaml: %s %s says nowhere who may ask for it", op.Method, path)
			}
		}
	}
	return d, nil
}

// area is the operations below one path.
type area struct {
	Title      string
	Operations []*operation
}

// Areas are all operations, by the first part of their path.
func (d *description) Areas() []area {
	var all []area
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		title := strings.Split(strings.TrimPrefix(path, "/"), "/")
		name := "/" + strings.Join(title[:min(2, len(title))], "/")
		if len(all) == 0 || all[len(all)-1].Title != name {
			all = append(all, area{Title: name})
		}
		last := &all[len(all)-1]
		for _, method := range []string{"get", "post", "put", "patch", "delete"} {
			if op := d.Paths[path][method]; op != nil {
				last.Operations = append(last.Operations, op)
			}
		}
	}
	return all
}

// Types are the types of bodies and answers, by name.
func (d *description) Types() map[string]*schema { return d.Components.Schemas }

// render is the body of one of the interface's pages.
func (d *description) render(at string) (string, error) {
	t, err := template.New("").Funcs(template.FuncMap{"shape": shape, "bounds": bounds, "id": areaID}).ParseFS(own, "templates/*.tmpl")
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = t.ExecuteTemplate(&b, strings.TrimSuffix(path.Base(at), ".html")+".tmpl", d)
	return b.String(), err
}

func areaID(title string) string { return strings.ReplaceAll(strings.Trim(title, "/"), "/", "-") }

// shape is what a value looks like, with links to the types that it is made of.
func shape(s *schema) template.HTML {
	if s == nil {
		return ""
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		name = template.HTMLEscapeString(name)
		return template.HTML(`<a href="api-types.html#` + name + `">` + name + `</a>`)
	}
	kind := fmt.Sprint(s.Type)
	if several, ok := s.Type.([]any); ok {
		kind = fmt.Sprint(several[0]) // beside it stands null
	}
	switch {
	case len(s.Enum) > 0:
		var all []string
		for _, v := range s.Enum {
			all = append(all, fmt.Sprint(v))
		}
		return template.HTML(template.HTMLEscapeString(strings.Join(all, " | ")))
	case s.Items != nil:
		return "list of " + shape(s.Items)
	case kind == "object" && s.Values != nil:
		return "map of " + template.HTML(template.HTMLEscapeString(valueOf(s.Values)))
	case s.Type == nil:
		return "anything"
	case s.Format != "":
		return template.HTML(template.HTMLEscapeString(kind + " (" + s.Format + ")"))
	}
	return template.HTML(template.HTMLEscapeString(kind))
}

// valueOf is what the values of a map are.
func valueOf(values any) string {
	m, ok := values.(map[string]any)
	if !ok {
		return "anything"
	}
	if ref, ok := m["$ref"].(string); ok {
		return path.Base(ref)
	}
	if kind, ok := m["type"].(string); ok {
		return kind
	}
	return "lists"
}

// bounds are what a value may be, where that is said.
func bounds(s *schema) string {
	var all []string
	if s.Minimum != nil && s.Maximum != nil {
		all = append(all, fmt.Sprintf("%v to %v", s.Minimum, s.Maximum))
	} else if s.Minimum != nil && fmt.Sprint(s.Minimum) != "0" {
		all = append(all, fmt.Sprintf("at least %v", s.Minimum))
	}
	if s.Default != nil {
		all = append(all, fmt.Sprintf("default %v", s.Default))
	}
	return strings.Join(all, "; ")
}
