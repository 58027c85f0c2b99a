package agent

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"polso/api"
)

// A change that is refused because of another one names it, also on a router that had not heard of that one yet.
func TestConflictNamesWhatChanged(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	w.form()
	at := w.nodes[0].status("who leads", settled(3, 2))
	leader := w.router(at.Leader)
	other := w.nodes[0]
	if other == leader {
		other = w.nodes[1]
	}
	base := at.Revision
	for i := range 10 {
		text := strings.Replace(edgeHCL, "weight  = 3", fmt.Sprintf("weight  = %d", 10+i), 1)
		if text == edgeHCL {
			t.Fatal("nothing to change")
		}
		files := []api.File{{Name: "edge.hcl", Text: text}}
		message := fmt.Sprintf("change %d", i)
		if _, err := leader.client.Apply(t.Context(), api.ApplyRequest{Files: files, Base: base, Message: message}); err != nil {
			t.Fatal(err)
		}
		_, err := other.client.Apply(t.Context(), api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: edgeHCL + "\n"}}, Base: base})
		refused(t, message, err, api.CodeConflict, "the document changed")
		e, ok := errors.AsType[*api.Error](err)
		if said := fmt.Sprint(e); !ok || !strings.Contains(strings.Join(e.Changes, "\n"), message) {
			t.Errorf("%s: %q does not name it: %q", message, said, e.Changes)
		}
		base++
	}
}
