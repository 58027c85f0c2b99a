package convert

import (
	"regexp"
	"slices"

	"polso/config"
)

// Include reads the files that a pattern names which stands in a file. The error tells of those that could not be read; the others
// are answered all the same.
type Include func(pattern string) ([]File, error)

// Importer reads the configuration of another load balancer.
type Importer struct {
	Name, Of string // "ldirectord", "ldirectord.cf"
	Read     func(Include, ...File) (Result, error)

	telling []*regexp.Regexp // lines that stand in no other's files
}

// Importers are all of them.
func Importers() []Importer {
	alone := func(read func(...File) (Result, error)) func(Include, ...File) (Result, error) {
		return func(_ Include, files ...File) (Result, error) { return read(files...) }
	}
	lines := func(patterns ...string) (list []*regexp.Regexp) {
		for _, p := range patterns {
			list = append(list, regexp.MustCompile(`(?m)^[ \t]*(`+p+`)`))
		}
		return list
	}
	return []Importer{
		{"lvs.cf", "Piranha's /etc/sysconfig/ha/lvs.cf", alone(LVSCF), lines(`(serial_no|primary|primary_private|backup|backup_active|heartbeat_port|nat_router|service|network)[ \t]*=`, `virtual[ \t]+[^\s={]+[ \t]*\{`)},
		{"keepalived", "keepalived.conf, with the files that it includes", func(include Include, files ...File) (Result, error) { return Keepalived(include, files...) },
			lines(`(global_defs|vrrp_\w+|virtual_server(_group)?|real_server|static_\w+|lvs_\w+)\b`, `include[ \t]`)},
		{"ldirectord", "ldirectord.cf", alone(Ldirectord), lines(`virtual(6)?[ \t]*=`, `real(6)?[ \t]*=`, `(checktimeout|negotiatetimeout|checkinterval|quiescent|autoreload|callback)[ \t]*=`)},
		{"ipvsadm", "what ipvsadm -S -n prints", alone(IPVSAdm), lines(`(\S*ipvsadm[ \t]+)?(-[AaEe][tufi]?|--add-service|--add-server|--edit-service|--edit-server)[ \t]+[-0-9\[]`)},
	}
}

// Guess is the name of the format that files seem to have: whose lines are the most among theirs; "" when there is none.
func Guess(files ...File) string {
	best, most := "", 0
	for _, i := range Importers() {
		found := 0
		for _, f := range files {
			for _, pattern := range i.telling {
				found += len(pattern.FindAllIndex(f.Text, 1000))
			}
		}
		if found > most {
			best, most = i.Name, found
		}
	}
	return best
}

// ImporterOf is the importer of that name; false: there is none.
func ImporterOf(name string) (Importer, bool) {
	list := Importers()
	i := slices.IndexFunc(list, func(x Importer) bool { return x.Name == name })
	if i < 0 {
		return Importer{}, false
	}
	return list[i], true
}

// Exporter writes a document, which must be complete and valid, as the configuration of another load balancer, with notes about what
// that cannot say.
type Exporter struct {
	Name, Of string
	Write    func(config.Document) ([]byte, []Note)
}

// Exporters are all of them.
func Exporters() []Exporter {
	return []Exporter{{"ipvsadm", "lines for ipvsadm -R", ToIPVSAdm}, {"lvs.cf", "Piranha's lvs.cf", ToLVSCF}}
}
