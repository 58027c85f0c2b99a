package convert

// ldService returns the service that ldirectord expects behind a port.
func ldService(port uint16) string {
	for _, s := range ldServices() {
		if s.port == port {
			return s.name
		}
	}
	return "none"
}

// ldServicePort returns the port that ldirectord asks a service at if none is written; 0 if there is none such.
func ldServicePort(name string) uint16 {
	for _, s := range ldServices() {
		if s.name == name {
			return s.port
		}
	}
	return 0
}

// ldKnown is a service that ldirectord can negotiate with.
type ldKnown struct {
	name string
	port uint16
}

func ldServices() []ldKnown {
	return []ldKnown{{"ftp", 21}, {"smtp", 25}, {"dns", 53}, {"http", 80}, {"pop", 110}, {"nntp", 119}, {"imap", 143}, {"ldap", 389},
		{"https", 443}, {"submission", 587}, {"ldaps", 636}, {"imaps", 993}, {"pops", 995}, {"oracle", 1521}, {"radius", 1812},
		{"http_proxy", 3128}, {"mysql", 3306}, {"sip", 5060}, {"pgsql", 5432}, {"simpletcp", 0}, {"none", 0}}
}
