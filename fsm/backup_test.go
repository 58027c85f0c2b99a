package fsm

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func backupText(t testing.TB, b Backup) string {
	t.Helper()
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The form of a backup. People keep them for years: when this test fails, the format needs a new number and the old one a
// reader.
func TestBackupForm(t *testing.T) {
	for name, m := range map[string]*machine{"backup.jsonl": full(t), "backup-confirm.jsonl": waiting(t)} {
		t.Run(name, func(t *testing.T) { wantBackupForm(t, name, m.Load().Backup(t0.Add(time.Hour))) })
	}
}

func wantBackupForm(t *testing.T, name string, b Backup) {
	got := backupText(t, b)
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	read, err := ReadBackup(bytes.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(b, read); d != "" {
		t.Errorf("-written +read:\n%s", d)
	}
}

// What a backup must never hold.
func TestBackupHasNoSecrets(t *testing.T) {
	m := known(t)
	got := backupText(t, m.Load().Backup(t0))
	for what, text := range map[string]string{"a token's hash": hashOf("a"), "a password's hash": "argon2id", "an access token's hash": hashOf("c"), "a user": `"user":{`, "a session": `"s1"`, "the CA": "CERTIFICATE", "a member's address": "10.9.0.11", "an override": `"override":`} {
		if !strings.Contains(textOf(t, m.Load()), text) {
			t.Errorf("the state itself has not %s: the test sees nothing", what)
		}
		// The audit tells in words who joined from where; that is its job.
		for line := range strings.Lines(got) {
			if strings.Contains(line, text) && !strings.HasPrefix(line, `{"entry":`) {
				t.Errorf("it has %s: %s", what, line)
			}
		}
	}
}

// Damage of any byte, a missing end and a surplus one are noticed, with the place where it can be told.
func TestReadBackupDamaged(t *testing.T) {
	good := backupText(t, full(t).Load().Backup(t0))
	for i := 0; i < len(good); i += 7 {
		b := []byte(good)
		b[i] ^= 1
		if _, err := ReadBackup(bytes.NewReader(b)); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnknown) {
			t.Fatalf("byte %d flipped: %v", i, err)
		}
		if _, err := ReadBackup(strings.NewReader(good[:i])); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
	lines := strings.SplitAfter(good, "\n")
	head := lines[0]
	for _, tt := range []struct {
		name, text, want string
		is               error
	}{
		{"empty", "", "first line: damaged: it ends too early", ErrCorrupt},
		{"no snapshot", "virtual \"web\" {\n", "first line: damaged: it is not the head of a snapshot", ErrCorrupt},
		{"raft's own", textOf(t, full(t).Load()), "first line: damaged: it is not the head of a snapshot", ErrCorrupt},
		{"newer", strings.Replace(good, `"format":1`, `"format":2`, 1), "first line: written by a newer release: format 2, this release reads 1", ErrUnknown},
		{"torn", strings.Join(lines[:3], ""), "record 3: damaged: it ends too early", ErrCorrupt},
		{"torn in a line", strings.Join(lines[:3], "") + lines[3][:9], "record 3: damaged: it ends too early", ErrCorrupt},
		{"a line less", strings.Join(append(lines[:2:2], lines[3:]...), ""), "damaged: number or checksum of the records is wrong", ErrCorrupt},
		{"a word changed", strings.Replace(good, "b goes", "b stays", 1), "damaged: number or checksum of the records is wrong", ErrCorrupt},
		{"surplus", good + "\n", "damaged: something follows the end", ErrCorrupt},
		{"a token", sign(head+`{"token":{"id":"k","hash":"","kind":"router","uses":1,"expires":"2026-11-22T10:00:00Z"}}`+"\n", 1),
			"record 1: damaged: what it holds does not belong into a snapshot", ErrCorrupt},
		{"a user", sign(head+`{"user":{"name":"ada","role":"admin","hash":"$","generation":1,"by":{"kind":"","name":""},"at":"2026-11-22T10:00:00Z"}}`+"\n", 1),
			"record 1: damaged: what it holds does not belong into a snapshot", ErrCorrupt},
		{"without its revision", sign(head+lines[1], 1), "damaged: revision 3, which it is of, is not the last one in it", ErrCorrupt},
		{"out of order", sign(head+lines[2]+lines[1], 2), "record 2: damaged: revision 1 comes after 2", ErrCorrupt},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ReadBackup(strings.NewReader(tt.text))
			if !errors.Is(err, tt.is) || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func FuzzReadBackup(f *testing.F) {
	f.Add([]byte(backupText(f, full(f).Load().Backup(t0))))
	f.Fuzz(func(t *testing.T, b []byte) {
		try := func(text string) {
			got, err := ReadBackup(strings.NewReader(text))
			if err != nil {
				if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnknown) {
					t.Fatalf("unexpected error %v", err)
				}
				return
			}
			if again, err := ReadBackup(strings.NewReader(backupText(t, got))); err != nil || !cmp.Equal(got, again) {
				t.Fatalf("%v; -once +twice:\n%s", err, cmp.Diff(got, again))
			}
		}
		try(string(b))
		if lines := strings.SplitAfter(string(b), "\n"); len(lines) > 2 { // past the checksum
			body := lines[:len(lines)-2]
			try(sign(strings.Join(body, ""), len(body)-1))
		}
	})
}

// What becomes of the history.
func TestRestoreCommand(t *testing.T) {
	const a, b, c = "Web=10.0.0.1:80 a=10.1.0.1:80", "Web=10.0.0.1:80 b=10.1.0.2:80", "Web=10.0.0.1:80 c=10.1.0.3:80"
	first := func(r *Restore) *Restore { // as every cluster begins
		r.History = append([]Revision{{Number: 1, At: t0, Document: canonical(t, "")}}, r.History...)
		return r
	}
	for _, tt := range []struct {
		name   string
		before []Command
		do     *Restore
		want   string // number: source, oldest first
	}{
		{"into a new cluster", nil, first(restore(t, 2, "c9", a, b)), "1: 2:a 3:b 4:b"},
		{"into a new cluster, an old history whose beginning is gone", nil, restore(t, 40, "c9", a, b), "1: 40:a 41:b 42:b"},
		{"into a new cluster, from another that began otherwise", nil, restore(t, 1, "c9", a, b), "1: 2:b"},
		{"into its own cluster, later", []Command{set(t, a), set(t, b), set(t, c)}, first(restore(t, 2, "c1", a, b)), "1: 2:a 3:b 4:c 5:b"},
		{"into its own cluster, which had lost the last one", []Command{set(t, a)}, first(restore(t, 2, "c1", a, b)), "1: 2:a 3:b 4:b"},
		{"into its own cluster, which has gone another way", []Command{set(t, a), set(t, c)}, first(restore(t, 2, "c1", a, b)), "1: 2:a 3:c 4:b"},
		{"into another cluster with a history", []Command{set(t, c)}, first(restore(t, 2, "c9", a, b)), "1: 2:c 3:b"},
		{"into another cluster, without a number in common", []Command{set(t, c)}, restore(t, 40, "c9", a, b), "1: 2:c 3:b"},
		{"the running one, nothing to bring", []Command{set(t, a)}, first(restore(t, 2, "c1", a)), "1: 2:a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := cluster(t, "")
			m.must(tt.before...)
			was := m.Load()
			tt.do.Base, tt.do.Message = was.Revision, "restored"
			brings := was.Brings(tt.do.ClusterID, tt.do.History)
			res := m.do(tt.do)
			if res.Refusal != nil {
				t.Fatal(res.Refusal)
			}
			s := m.Load()
			var got []string
			for _, r := range s.History {
				_, server, _ := strings.Cut(r.Source, ":80 ")
				got = append(got, fmt.Sprintf("%d:%.1s", r.Number, server))
			}
			if g := strings.Join(got, " "); g != tt.want {
				t.Errorf("history %q, want %q", g, tt.want)
			}
			for _, r := range was.History {
				if _, ok := s.Numbered(r.Number); !ok {
					t.Errorf("revision %d of the running cluster is lost", r.Number)
				}
			}
			if n := len(s.History) - len(was.History) - 1; !res.Unchanged && n != brings {
				t.Errorf("%d revisions came along, %d were promised", n, brings)
			}
			last := s.History[len(s.History)-1]
			if res.Unchanged != (last.Message != "restored") || s.Revision != last.Number || res.Revision != last.Number {
				t.Errorf("result %+v, last %+v", res, last)
			}
			if len(s.Nodes) != len(was.Nodes) || len(s.Tokens) != len(was.Tokens) || len(s.Users) != len(was.Users) || s.Cluster != was.Cluster {
				t.Error("members, tokens or the cluster changed")
			}
		})
	}
}

// A server that the restored document does not name drains, as after any change.
func TestRestoreLeaves(t *testing.T) {
	m := cluster(t, "Web=10.0.0.1:80 a=10.1.0.1:80 b=10.1.0.2:80")
	m.must(&SetOverride{Target: "server/Web/b", Kind: Drain})
	r := restore(t, 40, "c9", "Web=10.0.0.1:80 a=10.1.0.1:80")
	r.Base = 2
	m.must(r)
	if s := m.Load(); len(s.Leaving) != 1 || s.Leaving[0].ID != "Web/b@3" || len(s.Overrides) != 0 {
		t.Errorf("leaving %+v, overrides %+v", s.Leaving, s.Overrides)
	}
}
