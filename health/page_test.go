package health

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"polso/config"
)

// TestChecksPage: docs/checks.md has every kind that can be asked, every preset with its port, and examples that are documents. An
// example of what this release does not take yet may be refused for that, and for nothing else.
func TestChecksPage(t *testing.T) {
	text, err := os.ReadFile("../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, x := range Presets() {
		row, secure := fmt.Sprintf("| `%s` | %d", x.Kind, x.Port), "–"
		if x.Network == "udp" {
			row += ", udp"
		}
		if x.TLSPort != 0 {
			secure = fmt.Sprint(x.TLSPort)
		}
		if row += " | " + secure + " |"; !strings.Contains(page, row) {
			t.Errorf("no row %q", row)
		}
	}
	taken := 0
	for i, rest := range strings.Split(page, "\n```hcl\n")[1:] {
		example, _, _ := strings.Cut(rest, "\n```")
		_, err := config.Load(config.File{Name: "example", Text: []byte(
			"vip \"web\" {\n  address = \"192.0.2.10/24\"\n}\n" +
				"virtual \"web\" {\n  address = \"192.0.2.10\"\n  port = 80\n" + example + "\n  server \"a\" {\n    address = \"192.0.2.20:80\"\n  }\n}\n")})
		switch {
		case err == nil:
			taken++
		case !strings.Contains(err.Error(), "unknown check") && !strings.Contains(err.Error(), "not supported yet"):
			t.Errorf("example %d:\n%s\n%v", i+1, example, err)
		}
	}
	if taken == 0 {
		t.Error("no example is taken")
	}
	for _, kind := range []config.CheckKind{
		config.CheckTCP, config.CheckTLS, config.CheckHTTP, config.CheckGRPC, config.CheckSend, config.CheckUDP, config.CheckDNS, config.CheckICMP,
		config.CheckSMTP, config.CheckScript, config.CheckAgent,
	} {
		if asks(kind) == nil || !strings.Contains(page, "\n## "+string(kind)) {
			t.Errorf("nothing about %s", kind)
		}
	}
}
