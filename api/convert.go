package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"polso/config"
	"polso/convert"
)

// ImportFile is a piece of another load balancer's configuration.
type ImportFile struct {
	Name  string `json:"name" maxLength:"255" doc:"is said in notes; of a keepalived.conf and what it includes, what the includes look for"`
	Text  string `json:"text,omitempty"`
	Bytes []byte `json:"bytes,omitempty" doc:"instead of text, base64: of what is not UTF-8"`
}

// ImportRequest asks what another load balancer's configuration would be as a document.
type ImportRequest struct {
	Format string       `json:"format,omitempty" enum:"lvs.cf,keepalived,ldirectord,ipvsadm" doc:"absent: whatever it looks like"`
	Files  []ImportFile `json:"files" minItems:"1" maxItems:"100" doc:"4 MiB together at most; of keepalived.conf also those that it includes"`
}

// ConversionNote is what became of one line that could not be carried over as it stands, to or from another format.
type ConversionNote struct {
	File  string        `json:"file"`
	Line  int           `json:"line,omitempty" doc:"from 1; absent: no line in particular"`
	Text  string        `json:"text,omitempty" doc:"the line as written"`
	Level convert.Level `json:"level" enum:"lost,changed,hint" doc:"lost: it is not in what was made; changed: it is, in another form; hint: have a look at it"`
	About string        `json:"about,omitempty" doc:"the block it is about"`
	What  string        `json:"what" doc:"what became of it"`
}

func notesOf(list []convert.Note) []ConversionNote {
	out := make([]ConversionNote, len(list))
	for i, n := range list {
		out[i] = ConversionNote(n)
	}
	return out
}

// Imported is a document that was made, the report on how, and what it would change. Nothing of it runs.
type Imported struct {
	Schema   string           `json:"schema"`
	Format   string           `json:"format" enum:"lvs.cf,keepalived,ldirectord,ipvsadm"`
	Guessed  bool             `json:"guessed,omitempty" doc:"the format was not said"`
	Document json.RawMessage  `json:"document" doc:"the canonical document"`
	HCL      string           `json:"hcl" doc:"the document as people read it, with a comment for every note; to be planned and applied"`
	Notes    []ConversionNote `json:"notes" nullable:"false"`
	Lost     int              `json:"lost" doc:"notes of what could not be carried over"`
	Unread   []string         `json:"unread,omitempty" doc:"files that nothing includes"`
	Plan     *Plan            `json:"plan,omitempty" doc:"what the document would change of the running one, without what each router would do; absent: there is no leader that could tell what runs"`
}

// ExportRequest asks for a document in another format.
type ExportRequest struct {
	Format   string `query:"format" enum:"hcl,json,ipvsadm,lvs.cf" default:"hcl" doc:"hcl: as it is written; json: canonical; ipvsadm: lines for ipvsadm -R; lvs.cf: Piranha's"`
	Revision uint64 `query:"revision" doc:"default: the running one"`
}

// Exported is a document in another format.
type Exported struct {
	Schema   string           `json:"schema"`
	Format   string           `json:"format" enum:"hcl,json,ipvsadm,lvs.cf"`
	Revision uint64           `json:"revision"`
	Text     string           `json:"text"`
	Notes    []ConversionNote `json:"notes" nullable:"false" doc:"what the format cannot say"`
	Lost     int              `json:"lost" doc:"notes of what is not in text"`
}

func (s *server) convertRoutes(a huma.API) {
	post(a, "import", "/v1/import", "What another load balancer's configuration would be as a document; nothing is changed", func(ctx context.Context, i *in[ImportRequest]) (Imported, error) {
		return s.importFiles(ctx, i.Body)
	})
	get(a, "export", "/v1/export", "The document in another format", func(ctx context.Context, i *ExportRequest) (Exported, error) {
		return s.export(ctx, *i)
	})
}

// importFiles makes a document of files.
func (s *server) importFiles(ctx context.Context, req ImportRequest) (Imported, error) {
	files := make([]convert.File, len(req.Files))
	for i, f := range req.Files {
		files[i] = convert.File{Name: f.Name, Text: f.Bytes}
		if len(f.Bytes) == 0 {
			files[i].Text = []byte(f.Text)
		}
	}
	out := Imported{Schema: Schema, Format: req.Format}
	if out.Format == "" {
		out.Format, out.Guessed = convert.Guess(files...), true
	}
	i, ok := convert.ImporterOf(out.Format)
	if !ok {
		return Imported{}, Errorf(CodeInvalid, "what that is cannot be guessed").WithHint("say which format it has")
	}
	made, unread, err := readAs(i, files)
	if err != nil {
		return Imported{}, err
	}
	if out.Document, err = config.Canonical(made.Document); err != nil {
		return Imported{}, err
	}
	out.HCL, out.Notes, out.Lost, out.Unread = string(made.HCL()), notesOf(made.Notes), len(made.Lost()), unread
	if snap, err := s.State(ctx); err == nil {
		_, running, err := revisionOf(snap, snap.Revision)
		if err != nil {
			return Imported{}, err
		}
		plan := planOf(snap.Revision, running, made.Document)
		out.Plan = &plan
	}
	return out, nil
}

// readAs reads files in a format. Those beside a keepalived.conf are there for its include lines; unread are the others.
func readAs(i convert.Importer, files []convert.File) (r convert.Result, unread []string, err error) {
	main, beside := files, []convert.File(nil)
	if i.Name == "keepalived" {
		first := max(0, slices.IndexFunc(files, func(f convert.File) bool { return path.Base(f.Name) == "keepalived.conf" }))
		main, beside = files[first:first+1], slices.Concat(files[:first], files[first+1:])
	}
	read := make(map[string]bool)
	include := func(pattern string) ([]convert.File, error) {
		var found []convert.File
		for _, f := range beside {
			if ok, err := path.Match(path.Base(pattern), path.Base(f.Name)); err == nil && ok {
				read[f.Name] = true
				found = append(found, f)
			}
		}
		if found == nil && !strings.ContainsAny(pattern, "*?[") {
			return nil, errors.New("it was not sent along")
		}
		return found, nil
	}
	r, err = i.Read(include, main...)
	if e, ok := errors.AsType[*convert.Error](err); ok {
		at := config.Printable(e.File)
		if e.Line > 0 {
			at = fmt.Sprintf("%s, line %d", at, e.Line)
		}
		return r, nil, Errorf(CodeInvalid, "%s: %s", at, config.Printable(e.What)).WithHint("%s", cmp.Or(e.Fix, "is it "+i.Of+"? another format can be chosen"))
	}
	for _, f := range beside {
		if !read[f.Name] {
			unread = append(unread, f.Name)
		}
	}
	return r, unread, err
}

// export writes a document of the history.
func (s *server) export(ctx context.Context, req ExportRequest) (Exported, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return Exported{}, err
	}
	rev, doc, err := revisionOf(snap, cmp.Or(req.Revision, snap.Revision))
	if err != nil {
		return Exported{}, err
	}
	out := Exported{Schema: Schema, Format: req.Format, Revision: rev.Number, Notes: []ConversionNote{}}
	switch req.Format {
	case "hcl":
		out.Text = string(config.Editable([]byte(rev.Source), doc))
	case "json":
		out.Text = string(rev.Document) + "\n"
	default:
		all := convert.Exporters()
		i := slices.IndexFunc(all, func(x convert.Exporter) bool { return x.Name == req.Format })
		if i < 0 {
			return Exported{}, Errorf(CodeInvalid, "there is no format %q", req.Format)
		}
		text, notes := all[i].Write(doc)
		out.Text, out.Notes, out.Lost = string(text), notesOf(notes), len(convert.Result{Notes: notes}.Lost())
	}
	return out, nil
}

// Import asks what another load balancer's configuration would be as a document.
func (c *Client) Import(ctx context.Context, r ImportRequest) (Imported, error) {
	return ask[Imported](ctx, c, http.MethodPost, "/v1/import", r)
}

// Export is a document in another format.
func (c *Client) Export(ctx context.Context, r ExportRequest) (Exported, error) {
	q := url.Values{"format": {cmp.Or(r.Format, "hcl")}}
	if r.Revision > 0 {
		q.Set("revision", strconv.FormatUint(r.Revision, 10))
	}
	return ask[Exported](ctx, c, http.MethodGet, "/v1/export?"+q.Encode(), nil)
}
