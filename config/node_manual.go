package config

// NodeManual is everything that node.hcl can hold. docs/operate.md shows it.
func NodeManual() Topic {
	return Topic{Text: "The settings of one router, which are no part of the document. Each may stand in the file at most once. A flag of polso agent wins over the environment, that over this file, that over the default.", Topics: []Topic{
		{Name: "name", Form: Text, Value: "a name", Default: "the host's, up to its first dot", Text: "What this router is called in its cluster. It is settled by init or join."},
		{Name: "data_dir", Form: Text, Value: "an absolute path", Default: `"/var/lib/polso"`, Text: "Where the cluster's state is kept, and this router's keys."},
		{Name: "socket", Form: Text, Value: "an absolute path", Default: `"/run/polso/polso.sock"`, Text: "The unix socket for the command line; with another one, set POLSO_ADDR."},
		{Name: "listen", Form: Texts, Value: "ADDRESS:PORT", Default: "every address, port 5390", Text: "Where the other routers reach this one."},
		{Name: "interface", Form: TextMap, Value: "devices by the document's logical names", Default: "{}", Text: "Which device each logical interface of the document is here."},
		{Name: "kernel", Form: Text, Value: "real, simulated or none", Default: `"real"`, Text: "simulated: addresses and ARP are real, the IPVS table is not. none: this node can only become a witness."},
		{Name: "api", Form: Texts, Value: "ADDRESS:PORT, or none alone", Default: `[":3636"]`, Text: "Where browsers, and the command line from elsewhere, reach this router over HTTPS."},
		{Name: "api_certificate", Form: Text, Value: "an absolute path", Default: "one that the cluster's CA has signed", Text: "What is shown there, in PEM, read again when it changes; with api_key."},
		{Name: "api_key", Form: Text, Value: "an absolute path", Text: "Its key, in PEM; with api_certificate."},
		{Name: "flight_recorder", Form: Truth, Default: "false", Text: "Whether the agent keeps in memory what it did in the last seconds, and writes it below data_dir when it took over slowly, for go tool trace."},
	}}
}
