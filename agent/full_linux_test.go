package agent

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"polso/api"
)

// TestFullDisk: the director's data directory is a small file system of its own, and fills up. Another router directs and
// takes writes; the full one says so, also when it has been started anew, and follows when there is room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	r1, r2, r3 := w.nodes[0], w.nodes[1], w.nodes[2]
	if err := os.Mkdir(r1.home(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("polso", r1.home(), "tmpfs", 0, "size=4m"); err != nil {
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
			t.Skipf("a small file system takes privileges: %v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(r1.home(), unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	w.gather(testProfile)
	r2.status("three voters", settled(3, 1))
	// Every document is another, and takes room in the log.
	weight := 3
	apply := func(r *router) (uint64, error) {
		weight++
		comment := make([]byte, 16<<10)
		_, _ = rand.Read(comment)
		text := fmt.Sprintf("# %x\n", comment) + strings.Replace(edgeHCL, "weight  = 3", fmt.Sprint("weight = ", weight), 1)
		ans, err := r.client.Apply(t.Context(), api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: text}}})
		return ans.Revision, err
	}
	if _, err := apply(r2); err != nil {
		t.Fatal(err)
	}

	ballast := filepath.Join(r1.home(), "ballast")
	if err := fillUp(ballast); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("filling up: %v", err)
	}
	failed := 0
	w.eventually("another router leads", func() error {
		if _, err := apply(r2); err != nil {
			failed++
			w.note("apply: %v", err)
		}
		st, err := r2.client.Status(t.Context())
		if err == nil && (st.Leader == "r1" || st.Leader == "") {
			err = fmt.Errorf("leader %q", st.Leader)
		}
		return err
	})
	full := func(st api.Status) error {
		for _, p := range st.Problems {
			if p.Node == "r1" && p.What == "disk" && strings.Contains(p.Why, "no space left on device") && strings.Contains(p.Fix, "df -h "+r1.home()) {
				return nil
			}
		}
		return fmt.Errorf("problems %+v", st.Problems)
	}
	before := r3.status("the disk is a problem", full)
	end := time.Now().Add(2 * time.Second)
	var revision uint64
	var err error
	for time.Now().Before(end) {
		if revision, err = apply(r3); err != nil {
			t.Errorf("with a full disk on one of three: %v", err)
		}
	}
	if after := r3.status("as before", full); after.Term != before.Term || after.Leader != before.Leader {
		t.Errorf("leader %s of term %d, then %s of term %d", before.Leader, before.Term, after.Leader, after.Term)
	}
	r1.halt()
	r1.start()
	r3.status("the disk is a problem still", full)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	r1.status("it follows", settled(3, revision))
	t.Logf("%d writes failed at the change of the lead, revision %d everywhere", failed, revision)
}

// fillUp writes a file until nothing more fits.
func fillUp(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	return err
}
