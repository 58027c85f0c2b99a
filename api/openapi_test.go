package api

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write openapi.yaml anew")

// The description that is committed is the one that is served.
func TestOpenAPI(t *testing.T) {
	got, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	const path = "openapi.yaml"
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not what the code says (-file +code); go test ./api -update writes it anew:\n%s", path, diff)
	}
	served := request(New(newBackend(t), Version{Version: "v1"}), "GET", "/openapi.yaml", "")
	if served.code != 200 || served.text != string(got) {
		t.Errorf("served: %d, %d bytes, want the same %d bytes", served.code, len(served.text), len(got))
	}
}
