package cache

import (
	"errors"
	"testing"
)

// TestMemoryRejected verifies that what ristretto's policy does not admit is counted and said, and leaves nothing behind.
// Admission by frequency is a matter of chance (ristretto counts in batches and loses some), so the policy is made to
// reject by lowering its budget under Memory's feet.
func TestMemoryRejected(t *testing.T) {
	m, err := NewMemory(MemoryOptions{MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	k := NewKey(Pointer, "k")
	if err := m.Put(t.Context(), k, &Object{Body: []byte("admitted")}); err != nil {
		t.Fatal(err)
	}
	m.entries.UpdateMaxCost(memoryOverhead + 10)
	// It grows, so that it is put as a new object; the earlier one must not be what is left.
	if err := m.Put(t.Context(), k, &Object{Body: []byte("not admitted")}); !errors.Is(err, ErrNotKept) {
		t.Errorf("Put = %v, want ErrNotKept", err)
	}
	if o, err := m.Get(t.Context(), k); !errors.Is(err, ErrMiss) {
		t.Errorf("Get = %v, %v; want ErrMiss", o, err)
	}
	if st := m.Stats(); st.Dropped != 1 || st.Objects != 0 || st.Bytes != 0 {
		t.Errorf("Stats = %+v; want one dropped and nothing kept", st)
	}
}
