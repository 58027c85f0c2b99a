package store

import (
	"bytes"
	"testing"

	"github.com/hashicorp/raft"
)

func FuzzUnseal(f *testing.F) {
	f.Add([]byte("key"), []byte("value"))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		unsealValue(key, value)
		unsealLog(&raft.Log{Data: value})
		got, err := unsealValue(key, seal(valueSum(key, value), value))
		if err != nil || !bytes.Equal(got, value) {
			t.Errorf("%q came back as %q, %v", value, got, err)
		}
	})
}
