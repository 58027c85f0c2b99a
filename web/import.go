package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"

	"polso/api"
	"polso/config"
	"polso/convert"
)

// importRoutes make a document of another load balancer's configuration. Nothing of what is sent is kept here: a page that reads it
// once more brings it again.
func (s *site) importRoutes(mux routes) {
	mux.HandleFunc("GET /import", func(w http.ResponseWriter, r *http.Request) {
		s.show(w, r, "import", "import", "Import", importView{Formats: convert.Importers()})
	})
	mux.HandleFunc("POST /import", s.readImport)
}

// The bounds of one import beside convert.MaxText.
const (
	mostFiles = 100
	mostNotes = 500 // that are listed
)

// importView is the page.
type importView struct {
	Formats []convert.Importer
	Format  string // that was chosen
	Pasted  string
	Sources string // what was sent, packed, for another look at it
	Names   []string
	Refused *api.Error
	Made    *madeOf
}

// madeOf is what an import made.
type madeOf struct {
	api.Imported
	Document config.Document
	Draft    string // its text, packed
	Listed   []api.ConversionNote
	Left     int // notes that are not listed
	Message  string
}

// At counts the notes of a level.
func (m madeOf) At(level convert.Level) (n int) {
	for _, note := range m.Notes {
		if note.Level == level {
			n++
		}
	}
	return n
}

// Servers counts the servers of all virtuals.
func (m madeOf) Servers() (n int) {
	for _, v := range m.Document.Virtuals {
		n += len(v.Servers)
	}
	return n
}

// upload is what a form of the page brings.
type upload struct {
	format, pasted string
	files          []convert.File
}

// pastedName is what a pasted text is called where a file's name would be said.
const pastedName = "pasted"

func (s *site) readImport(w http.ResponseWriter, r *http.Request) {
	u, err := uploaded(w, r)
	v := importView{Formats: convert.Importers(), Format: u.format, Pasted: u.pasted}
	for _, f := range u.files {
		v.Names = append(v.Names, config.Printable(f.Name))
	}
	if err == nil {
		v.Sources, err = packFiles(u.files)
	}
	if err == nil {
		v.Made, err = s.imported(r, u.format, u.files)
	}
	code := http.StatusOK
	if err != nil {
		v.Refused = problemOf(err)
		code = v.Refused.Status
	}
	s.render(w, r, code, "import", "import", "Import", v)
}

// uploaded reads what was sent: a text, files, or both as the page had them before.
func uploaded(w http.ResponseWriter, r *http.Request) (upload, error) {
	var u upload
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	parts, err := r.MultipartReader()
	if err != nil {
		return u, api.Errorf(api.CodeInvalid, "the form is not understood").WithDetail("%v", err)
	}
	sources := ""
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return u, tooLarge(err)
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return u, tooLarge(err)
		}
		switch part.FormName() {
		case "format":
			u.format = string(text)
		case "text":
			u.pasted = lines(string(text))
		case "sources":
			sources = string(text)
		case "file":
			u.add(part, text)
		}
	}
	if strings.TrimSpace(u.pasted) != "" {
		u.files = append(u.files, convert.File{Name: pastedName, Text: []byte(u.pasted)})
	}
	if len(u.files) == 0 && sources != "" {
		u.files, err = unpackFiles(sources)
	}
	switch {
	case err != nil:
	case len(u.files) == 0:
		err = api.Errorf(api.CodeInvalid, "there is nothing to read").WithHint("paste a configuration, or choose a file")
	case len(u.files) > mostFiles:
		err = api.Errorf(api.CodeInvalid, "%d files are more than the %d that an import may have", len(u.files), mostFiles)
	}
	return u, err
}

func tooLarge(err error) error {
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return api.Errorf(api.CodeInvalid, "that is longer than %d MiB", maxForm>>20).WithHint("an import has at most %d MiB: split it by virtual server", convert.MaxText>>20)
	}
	return api.Errorf(api.CodeInvalid, "the form is not understood").WithDetail("%v", err)
}

// add takes in a file; a browser sends an empty one without a name where none was chosen.
func (u *upload) add(part *multipart.Part, text []byte) {
	if name := path.Base(strings.ReplaceAll(part.FileName(), `\`, "/")); part.FileName() != "" && len(text) > 0 {
		u.files = append(u.files, convert.File{Name: name, Text: text})
	}
}

// packFiles and unpackFiles are files for a hidden field.
func packFiles(files []convert.File) (string, error) {
	text, err := json.Marshal(files)
	if err != nil {
		return "", fmt.Errorf("import: %w", err)
	}
	return pack(string(text))
}

func unpackFiles(field string) (files []convert.File, err error) {
	text, err := unpackUpTo(field, 2*convert.MaxText) // JSON has four bytes for three
	if err == nil {
		err = json.Unmarshal([]byte(text), &files)
	}
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "what was sent came back damaged").WithDetail("%v", err).WithHint("choose the files again")
	}
	return files, nil
}

// imported has a document made of files.
func (s *site) imported(r *http.Request, format string, files []convert.File) (*madeOf, error) {
	req := api.ImportRequest{Format: format}
	for _, f := range files {
		sent := api.ImportFile{Name: f.Name}
		if utf8.Valid(f.Text) {
			sent.Text = string(f.Text)
		} else {
			sent.Bytes = f.Text
		}
		req.Files = append(req.Files, sent)
	}
	made, err := s.api.Import(r.Context(), req)
	if err != nil {
		return nil, err
	}
	m := &madeOf{Imported: made, Listed: made.Notes[:min(len(made.Notes), mostNotes)], Message: "import of " + made.Format}
	m.Left = len(made.Notes) - len(m.Listed)
	if m.Document, err = config.FromCanonical(made.Document); err != nil {
		return nil, err
	}
	m.Draft, err = pack(made.HCL)
	return m, err
}
