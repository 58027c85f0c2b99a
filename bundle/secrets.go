package bundle

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Secrets are texts that must not get out, and shapes that secrets have.
type Secrets struct{ known map[string]bool }

// Removed stands where a secret was.
const Removed = "(removed)"

// short is the length below which a text is no secret beyond its own place: taking "PING" out of everything helps nobody.
const short = 6

// shapes are of what is a secret wherever it stands.
var shapes = []*regexp.Regexp{
	regexp.MustCompile(`POLSO-(A-[A-Z2-7]+|1-[A-Za-z0-9._-]+)`),                                                        // access and join tokens
	regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\z)`),               // keys
	regexp.MustCompile(`\$argon2(id|i|d)\$[A-Za-z0-9+/=,$v.]+`),                                                        // passwords' hashes
	regexp.MustCompile(`(?i)\b(proxy-)?authorization("?\s*[:=]\s*"?)[^"\r\n,}]+`),                                      // headers
	regexp.MustCompile(`(?i)\b(set-)?cookie("?\s*[:=]\s*"?)[^"\r\n,}]+`),                                               // likewise
	regexp.MustCompile(`(?i)\b(password|passwd|passphrase|secret|api[_-]?key|token)(["']?\s*[:=]\s*["']?)[^\s"',}&]+`), // what calls itself one
	regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://[^/\s:@"]+:[^@\s"/]+@`),                                              // https://user:password@
}

// Add has texts taken out wherever they stand, as they are and as they are quoted.
func (s *Secrets) Add(texts ...string) {
	if s.known == nil {
		s.known = make(map[string]bool)
	}
	for _, text := range texts {
		quoted := strconv.Quote(text)
		coded, _ := json.Marshal(text) // a string can be coded
		for _, form := range []string{text, strings.TrimSpace(text), quoted[1 : len(quoted)-1], string(coded[1 : len(coded)-1]), url.QueryEscape(text), url.PathEscape(text)} {
			if len(form) >= short {
				s.known[form] = true
			}
		}
	}
}

// Without is text without the secrets.
func (s *Secrets) Without(text []byte) []byte {
	known := make([]string, 0, len(s.known))
	for k := range s.known {
		known = append(known, k)
	}
	slices.SortFunc(known, func(a, b string) int { return len(b) - len(a) }) // the whole before its parts
	for _, k := range known {
		text = bytes.ReplaceAll(text, []byte(k), []byte(Removed))
	}
	for _, shape := range shapes {
		text = shape.ReplaceAll(text, []byte(Removed))
	}
	return text
}

// Document is a canonical document (JSON) without what may be a secret in it; s knows it then.
func (s *Secrets) Document(canonical []byte) ([]byte, error) {
	var tree any
	if err := json.Unmarshal(canonical, &tree); err != nil {
		return nil, err
	}
	return json.MarshalIndent(s.prune(tree), "", "  ")
}

// prune takes out of a tree, by the names of attributes: values of headers, what is sent, arguments of programs, all of a webhook's URL but where it
// leads, and the query of a path.
func (s *Secrets) prune(tree any) any {
	switch tree := tree.(type) {
	case []any:
		for i := range tree {
			tree[i] = s.prune(tree[i])
		}
	case map[string]any:
		for name, value := range tree {
			switch name {
			case "headers":
				for header, of := range asMap(value) {
					asMap(value)[header] = s.hide(of)
				}
			case "send":
				tree[name] = s.hide(value)
			case "command":
				words, _ := value.([]any)
				for i := range words {
					if i > 0 {
						words[i] = s.hide(words[i])
					}
				}
			case "webhook":
				tree[name] = s.hideURL(value)
			case "path":
				tree[name] = s.hideQuery(value)
			default:
				tree[name] = s.prune(value)
			}
		}
	}
	return tree
}

func asMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

func (s *Secrets) hide(value any) any {
	if text, ok := value.(string); ok {
		s.Add(text)
		if _, word, found := strings.Cut(text, " "); found { // Bearer …, AUTH …
			s.Add(word)
		}
	}
	return Removed
}

func (s *Secrets) hideURL(value any) any {
	text, _ := value.(string)
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return s.hide(value)
	}
	rest := strings.TrimPrefix(text[strings.Index(text, u.Host)+len(u.Host):], "/")
	if rest == "" {
		return value
	}
	s.Add(rest)
	return u.Scheme + "://" + u.Host + "/" + Removed
}

func (s *Secrets) hideQuery(value any) any {
	text, _ := value.(string)
	path, query, found := strings.Cut(text, "?")
	if !found {
		return value
	}
	s.Add(query)
	return path + "?" + Removed
}
