package convert

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Keepalived reads a keepalived.conf, one text or several that follow each other. include answers the files that the pattern of
// an include line names, the including file's folder put before a relative one; nil reads none. What keepalived itself only
// complains of does not stop it.
//
// Every statement is in the document or in a note. The file is one router's and the document the whole cluster's: lines for one
// router alone (@NAME) are left out, with a note.
func Keepalived(include func(pattern string) ([]File, error), files ...File) (Result, error) {
	if len(files) == 0 {
		return Result{}, &Error{What: "no file to import"}
	}
	k, err := kaImported(include, files)
	if err != nil {
		return Result{}, err
	}
	return k.finish()
}

// kaImported is Keepalived up to the end of the text.
func kaImported(include func(pattern string) ([]File, error), files []File) (*kaImport, error) {
	k := newKaImport(files)
	r := kaReader{include: include, idle: k.words.idle(), defined: make(map[string][]string), left: MaxText}
	if err := r.read(files); err != nil {
		return nil, err
	}
	k.b.files = r.opened
	nodes, remarks, err := kaParse(r.lines)
	if err != nil {
		return nil, err
	}
	k.tell("", r.aside)
	k.tell("", remarks)
	k.nodes = nodes
	if !k.document(nodes) {
		return nil, &Error{File: files[0].Name, What: "nothing in it is of a keepalived.conf", Fix: "Is it of another format?"}
	}
	if k.err != nil {
		return nil, k.err
	}
	k.forgotten(nodes)
	return k, nil
}

// kaImport is the import of one configuration.
type kaImport struct {
	b        *builder
	nodes    []*kaNode // the top level
	words    kaVocabulary
	checkers map[string]kaChecker

	groups map[string]*kaNode // virtual_server_groups, by name
	parts  int                // virtuals, servers and vips, for the limit
	err    error
	homes  map[netip.Addr]*kaHome // addresses of the vrrp_instances

	user        string             // script_user, "": none is said
	userNode    *kaNode            // where that stands, while nothing runs as it
	runs        map[string]*notify // what runs already, by what it is
	mail        *kaMail
	alerts      []kaAlerts // of every virtual
	routerAlert bool       // a vrrp_instance wants mails
	tracks      map[string]*kaTracked
	trackOrder  []*kaTracked
	certificate kaCertificate

	notes []*kaNote
	known map[kaTold]*kaNote
}

// kaNote is what is told of one or more lines.
type kaNote struct {
	kaTold
	at    place
	also  []int // further lines of the same file
	lines map[int]bool
}

// kaTold is a note without its lines.
type kaTold struct {
	about, file string
	kaSaid
}

func newKaImport(files []File) *kaImport {
	return &kaImport{
		b: newBuilder("keepalived.conf", files), words: newKaVocabulary(), checkers: kaCheckers(),
		groups: make(map[string]*kaNode), homes: make(map[netip.Addr]*kaHome),
		known: make(map[kaTold]*kaNote), runs: make(map[string]*notify), mail: new(kaMail), tracks: make(map[string]*kaTracked),
	}
}

// document reads the top level: the addresses first, then who uses them. It answers whether any of it is keepalived's.
func (k *kaImport) document(nodes []*kaNode) (known bool) {
	var virtuals, instances, groups []*kaNode
	later := func(list *[]*kaNode) func(*kaNode) kaSaid {
		return func(n *kaNode) kaSaid { *list = append(*list, n); return kaSaid{} }
	}
	statements := kaStatements{
		"global_defs":          k.global,
		"vrrp_sync_group":      later(&groups),
		"vrrp_script":          k.tracked("script"),
		"vrrp_track_process":   k.tracked("process"),
		"SSL":                  k.ssl,
		"vrrp_instance":        later(&instances),
		"virtual_server":       later(&virtuals),
		"virtual_server_group": k.group,
	}
	for _, n := range nodes {
		known = known || statements[n.words[0]] != nil || k.words.root[n.words[0]].what != ""
	}
	k.tell("", kaRead(&kaNode{words: []string{"top level"}, nodes: nodes}, statements, k.words.root))
	for _, n := range groups {
		k.syncGroup(n)
	}
	k.instances(instances)
	k.routerChecks()
	for _, n := range virtuals {
		if k.virtual(n); k.err != nil {
			return known
		}
	}
	k.mails()
	if k.userNode != nil {
		k.say(kaCluster, k.userNode.at, kaSaid{Hint, "nothing runs as it"})
	}
	k.vips()
	k.unused()
	return known
}

// enough reports whether there is no room for n more parts of the document.
func (k *kaImport) enough(n int, at place) bool {
	if k.parts += n; k.parts > mostParts && k.err == nil {
		k.err = &Error{
			File: at.file, Line: at.line, Fix: "Split it by virtual server.",
			What: fmt.Sprintf("more than the %d virtuals, servers and addresses that an import may have", mostParts),
		}
	}
	return k.err != nil
}

// tell notes what is to be told of lines.
func (k *kaImport) tell(about string, remarks []kaRemark) {
	for _, r := range remarks {
		k.say(about, r.at, r.kaSaid)
	}
}

// say notes what is to be told of a line, if there is anything. What has been told of the same block already gets the line.
func (k *kaImport) say(about string, at place, said kaSaid) {
	if said.what == "" {
		return
	}
	told := kaTold{about, at.file, said}
	n := k.known[told]
	switch {
	case n == nil:
		n = &kaNote{kaTold: told, at: at, lines: make(map[int]bool)}
		k.known[told] = n
		k.notes = append(k.notes, n)
	case !n.lines[at.line]:
		n.also = append(n.also, at.line)
	}
	n.lines[at.line] = true
}

// kaMostLines is how many further lines a note names.
const kaMostLines = 12

func (k *kaImport) finish() (Result, error) {
	for _, n := range k.notes {
		what := n.what
		if len(n.also) > 0 {
			lines := make([]string, min(len(n.also), kaMostLines))
			for i := range lines {
				lines[i] = strconv.Itoa(n.also[i])
			}
			what += " (also line " + strings.Join(lines, ", ")
			if more := len(n.also) - len(lines); more > 0 {
				what += fmt.Sprintf(" and %d more", more)
			}
			what += ")"
		}
		k.b.note(n.level, n.about, n.at, "%s", what)
	}
	return k.b.finish()
}

// forgotten tells of blocks behind statements that have none.
func (k *kaImport) forgotten(nodes []*kaNode) {
	for _, n := range nodes {
		switch {
		case n.told:
		case n.read:
			k.forgotten(n.nodes)
		case len(n.nodes) > 0:
			k.say("", n.at, kaSay(Lost, "keepalived's %s has no block", n.words[0]))
		}
	}
}
