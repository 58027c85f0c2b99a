package health

import "sync"

// maxKept is how many things a memory keeps: more than a document can ask for at a time.
const maxKept = 1 << 14

// memory keeps what is costly to make from a check (expressions, TLS settings) from one probe to the next. What is kept is
// shared by probes that run side by side.
type memory struct {
	mu   sync.Mutex // guards kept
	kept map[any]any
}

func newMemory() *memory { return &memory{kept: make(map[any]any)} }

// remember returns what was made of key before, or else makes it. The type of key says what is made of it. An error is not
// kept. Without a memory it is made each time.
func remember[K comparable, V any](m *memory, key K, make func(K) (V, error)) (V, error) {
	if m == nil {
		return make(key)
	}
	m.mu.Lock()
	v, ok := m.kept[key].(V)
	m.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := make(key)
	if err != nil {
		return v, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.kept) >= maxKept {
		clear(m.kept) // of checks that are gone, most of it
	}
	m.kept[key] = v
	return v, nil
}
