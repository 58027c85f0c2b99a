package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"polso/api"
	"polso/config"
)

// addPage is the form of a new virtual: its name, its servers and the kind of its check, and everything else behind folds.
type addPage struct {
	Name, Servers, Check string
	WrongName            string
	WrongServers         string
	Shelves              []shelf
	Other                []config.Problem
	Refused              *api.Error
}

// Kinds are the kinds of check that stand for themselves: the others need to be told something.
func (addPage) Kinds() []config.CheckKind { return checkKinds() }

func (s *site) addVirtual(w http.ResponseWriter, r *http.Request) {
	page := addPage{Check: "tcp"}
	f := newForm(partTopic(config.KindVirtual), nil)
	var err error
	if r.Method == http.MethodPost {
		_ = r.ParseForm()
		page.Name, page.Servers, page.Check = strings.TrimSpace(r.PostForm.Get("name")), lines(r.PostForm.Get("servers")), r.PostForm.Get("check")
		if err = s.proposeVirtual(w, r, f, &page); err == nil {
			return
		}
	}
	code := f.blame(ofDocument{Kind: config.KindVirtual, Virtual: page.Name}.place(), err, &page.Refused)
	for _, p := range f.Other {
		switch about := strings.TrimPrefix(p.Path, fmt.Sprintf("virtual %q", page.Name)); {
		case about == "" && strings.Contains(p.What, "name"):
			page.WrongName += sentence(p)
		case strings.HasPrefix(about, " server "):
			page.WrongServers += sentence(p)
		default:
			page.Other = append(page.Other, p)
		}
	}
	page.Shelves = f.shelves("", ofVirtual)
	s.render(w, r, code, "virtual-add", "virtuals", "Add a virtual server", page)
}

func sentence(p config.Problem) string { return strings.TrimSpace(p.What+". "+p.Why+" "+p.Fix) + " " }

func (s *site) proposeVirtual(w http.ResponseWriter, r *http.Request, f *form, page *addPage) error {
	values := f.read(r.PostForm)
	if page.Check != "" {
		values = append(values, "check="+page.Check)
	}
	if page.Name == "" {
		page.WrongName = "A virtual server needs a name: it is what everything else calls it."
		return api.Errorf(api.CodeInvalid, "the form is not complete")
	}
	edits := []config.Edit{{Verb: config.Add, Kind: config.KindVirtual, Name: page.Name, Values: values}}
	servers, wrong := serverLines(page.Servers)
	if wrong != "" {
		page.WrongServers = wrong
		return api.Errorf(api.CodeInvalid, "a line of the servers is not understood")
	}
	for _, x := range servers {
		x.Name = page.Name + "/" + x.Name
		edits = append(edits, x)
	}
	d, err := s.running(r.Context())
	if err != nil {
		return err
	}
	return s.proposeEdits(w, r, d, edits)
}

// serverLines reads servers one a line: ADDRESS, NAME ADDRESS, ADDRESS WEIGHT or NAME ADDRESS WEIGHT. Who has no name gets a letter.
func serverLines(text string) (edits []config.Edit, wrong string) {
	var taken []string
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 1 && !isAddress(words[0]) {
			taken = append(taken, words[0])
		}
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		e := config.Edit{Verb: config.Add, Kind: config.KindServer}
		if !isAddress(words[0]) {
			e.Name, words = words[0], words[1:]
		} else {
			e.Name = freeName(taken)
			taken = append(taken, e.Name)
		}
		if len(words) == 0 || len(words) > 2 || strings.Contains(e.Name, "/") {
			return nil, fmt.Sprintf("%q is not understood: write an address, with a name before it and a weight behind it if you like.", strings.TrimSpace(line))
		}
		e.Values = []string{"address=" + words[0]}
		if len(words) == 2 {
			e.Values = append(e.Values, "weight="+words[1])
		}
		edits = append(edits, e)
	}
	return edits, ""
}

func isAddress(word string) bool {
	_, err := netip.ParseAddr(word)
	_, err2 := netip.ParseAddrPort(word)
	return err == nil || err2 == nil
}

// freeName is a, b, c, ... s27: one that is not taken.
func freeName(taken []string) string {
	for i := 0; ; i++ {
		name := "s" + strconv.Itoa(i+1)
		if i < 26 {
			name = string(rune('a' + i))
		}
		if !slices.Contains(taken, name) {
			return name
		}
	}
}
