package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoadNode(t *testing.T) {
	got, err := LoadNode(File{"node.hcl", []byte(`# r1
name     = "r1"
data_dir = "/srv/polso"
socket   = "/run/polso/r1.sock"
listen   = ["10.9.0.11", ":5390"]
kernel   = "simulated"
api      = ["10.9.0.11", ":443"]
api_certificate = "/etc/polso/web.pem"
api_key  = "/etc/polso/web.key"
flight_recorder = true
interface = {
  outside  = "eth0"
  "in.side" = "br-lan"
}
`)})
	want := Node{
		Name: "r1", DataDir: "/srv/polso", Socket: "/run/polso/r1.sock", Listen: []string{"10.9.0.11", ":5390"}, Kernel: "simulated",
		Interfaces: map[string]string{"outside": "eth0", "in.side": "br-lan"},
		API:        []string{"10.9.0.11", ":443"}, Certificate: "/etc/polso/web.pem", Key: "/etc/polso/web.key", FlightRecorder: true,
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := LoadNode(File{Name: "node.hcl"}); err != nil || !cmp.Equal(got, Node{}) {
		t.Errorf("an empty file: %+v, %v; want that it says nothing", got, err)
	}
}

// TestLoadNodeRefuses: what is not understood is told with its place, everything at once.
func TestLoadNodeRefuses(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"several", "name = \"r 1\"\nkernel = \"reall\"\ndatadir = \"/x\"\n",
			`node.hcl:1,8: name "r 1" has characters that a name cannot have (A name is 1 to 63 letters, digits, dots, underscores and dashes, and begins with a letter or digit)
node.hcl:2,10: unknown kernel "reall" (It is one of real, simulated or none) (Did you mean "real"?)
node.hcl:3,1: unknown attribute "datadir" (Did you mean "data_dir"?)`},
		{"a block", "interface \"outside\" {\n}\n", `node.hcl:1,1: interface is an attribute, not a block (Write interface = value)`},
		{"a block of the document", "virtual \"web\" {\n}\n", `node.hcl:1,1: unknown block "virtual"`},
		{"relative paths", "data_dir = \"data\"\nsocket = \"unix:///x\"\n",
			`node.hcl:1,12: path "data" is not absolute (What it is relative to depends on who starts the agent)
node.hcl:2,10: path "unix:///x" is not absolute (What it is relative to depends on who starts the agent)`},
		{"a certificate alone", "api_certificate = \"/etc/polso/web.pem\"\n", `node.hcl:1,19: api_certificate needs api_key beside it`},
		{"a key alone, from anywhere", "api_key = \"web.key\"\n",
			`node.hcl:1,11: path "web.key" is not absolute (What it is relative to depends on who starts the agent)
node.hcl:1,11: api_key needs api_certificate beside it`},
		{"a device in no map", "interface = \"eth0\"\n", "node.hcl:1,13: a map of texts is wanted here, not text (Write it as { outside = \"eth0\" })"},
		{"a device without quotes", "interface = { outside = eth0 }\n", `node.hcl:1,25: eth0 is not in quotes (A document has no variables) (Write "eth0")`},
		{"a device by number", "interface = { outside = 2 }\n", `node.hcl:1,25: text is wanted here, not a number (Write it in quotes: "2")`},
		{"one interface twice", "interface = {\n  outside = \"eth0\"\n  outside = \"eth1\"\n}\n", `node.hcl:3,3: "outside" is there twice (Remove one of the two)`},
		{"no interface's name", "interface = { \"a/b\" = \"\" }\n",
			`node.hcl:1,13: interface "a/b" has characters that a name cannot have (A name is 1 to 63 letters, digits, dots, underscores and dashes, and begins with a letter or digit)
node.hcl:1,13: interface "a/b" has no device`},
		{"one address", "listen = \"10.9.0.11\"\n", `node.hcl:1,10: a list of texts is wanted here, not text (Write ["10.9.0.11"])`},
		{"syntax", "name = \"r1\nkernel = \"real\"\n", `node.hcl:1,11: the quote is not closed on its line (Add the closing ")`},
		{"twice", "name = \"r1\"\nname = \"r2\"\n", `node.hcl:2,1: attribute redefined (The argument "name" was already set at node.hcl:1,1-5. Each argument may be set only once)`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := LoadNode(File{"node.hcl", []byte(tt.text)})
			if err == nil {
				t.Fatalf("got %+v, want\n%s", got, tt.want)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" || !cmp.Equal(got, Node{}) {
				t.Errorf("%+v (-want +got):\n%s", got, diff)
			}
		})
	}
}
