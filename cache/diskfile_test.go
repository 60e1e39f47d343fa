package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func encoded(t testing.TB, k Key, o *Object) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := writeObject(&b, k, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var startOfTime = time.Unix(1_700_000_000, 0)

// TestFileLengths claims lengths that the file does not have, and expects that they never become an allocation.
func TestFileLengths(t *testing.T) {
	k := NewKey(Original, "claims")
	for name, claim := range map[string]func(h []byte){
		"body of 2^62":      func(h []byte) { binary.BigEndian.PutUint64(h[16:], 1<<62) },
		"body of 2^64-1":    func(h []byte) { binary.BigEndian.PutUint64(h[16:], 1<<64-1) },
		"meta of 4 GiB":     func(h []byte) { binary.BigEndian.PutUint32(h[12:], 1<<32-1) },
		"meta above limit":  func(h []byte) { binary.BigEndian.PutUint32(h[12:], MaxMeta+1) },
		"sum wraps to size": func(h []byte) { binary.BigEndian.PutUint64(h[16:], 1<<64-84) },
		"one less":          func(h []byte) { binary.BigEndian.PutUint64(h[16:], 3) },
	} {
		b := encoded(t, k, &Object{Body: []byte("body")})
		claim(b)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		o, err := readObject(bytes.NewReader(b), int64(len(b)), k)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, %v; want ErrDamaged", name, o, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 64<<10 {
			t.Errorf("%s: %d bytes allocated", name, n)
		}
	}
}

// TestFileFlips flips 10,000 single bits of a file as large as a rendition, one in its head and nine anywhere, and cuts it at
// 64 places: nothing of it is ever accepted.
func TestFileFlips(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	k := NewKey(Rendition, "flipped")
	o := &Object{Meta: bytes.Repeat([]byte("meta"), 50), Body: bytes.Repeat([]byte("body "), 6000)}
	b := encoded(t, k, o)
	rejected := func(b []byte) bool {
		o, err := readObject(bytes.NewReader(b), int64(len(b)), k)
		return o == nil && (errors.Is(err, ErrDamaged) || errors.Is(err, ErrVersion))
	}
	for i := range 10_000 {
		at := r.IntN(len(b))
		if i%10 == 0 {
			at = r.IntN(headerBytes)
		}
		bit := byte(1) << r.IntN(8)
		b[at] ^= bit
		if !rejected(b) {
			t.Errorf("accepted with byte %d of %d changed by %#x", at, len(b), bit)
		}
		b[at] ^= bit
	}
	for range 64 {
		if n := r.IntN(len(b)); !rejected(b[:n]) {
			t.Errorf("accepted when cut at %d of %d", n, len(b))
		}
	}
	if rejected(b) {
		t.Error("the sound file is not accepted")
	}
}

// FuzzReadObject expects of any file: no panic, no object longer than the file, and that whatever is accepted is exactly
// what writeObject writes.
func FuzzReadObject(f *testing.F) {
	k := NewKey(Rendition, "fuzz")
	good := encoded(f, k, &Object{Meta: []byte("meta"), Body: []byte("body")})
	f.Add(good, int64(len(good)))
	f.Add(good[:60], int64(60))
	f.Add(good, int64(1)<<40)
	f.Add(encoded(f, k, &Object{}), int64(headerBytes))
	f.Fuzz(func(t *testing.T, b []byte, size int64) {
		o, err := readObject(bytes.NewReader(b), int64(len(b)), k)
		if err == nil && !bytes.Equal(encoded(t, k, o), b) {
			t.Errorf("accepted %q, which nobody wrote", b)
		}
		// A size that is not the file's, as after a race with a writer: refused before anything is allocated, unless
		// the header claims the same.
		if size != int64(len(b)) && size < 1<<20 {
			if o, err := readObject(bytes.NewReader(b), size, k); err == nil && int64(len(o.Meta)+len(o.Body)) > size {
				t.Errorf("an object of %d bytes from a file of %d", len(o.Meta)+len(o.Body), size)
			}
		}
	})
}

func FuzzParseName(f *testing.F) {
	k := NewKey(Rendition, "name")
	f.Add("01", objectName(k)[len("rendition/00/"):])
	f.Add("0A", "0A")
	f.Fuzz(func(t *testing.T, fan, name string) {
		if k, ok := parseName(Rendition, fan, name); ok {
			if want := "rendition/" + fan + "/" + name; objectName(k) != want {
				t.Errorf("objectName(parseName(%q)) = %q", want, objectName(k))
			}
		}
	})
}

// TestIndexOrder verifies that the least recently used object goes first, whatever the clock says.
func TestIndexOrder(t *testing.T) {
	x := newDiskIndex(1 << 30)
	key := func(i byte) Key { return Key{Kind: Rendition, Sum: [32]byte{i}} }
	now := startOfTime
	for i := range byte(5) {
		if _, err := x.reserve(blockBytes); err != nil {
			t.Fatal(err)
		}
		x.commit(key(i), blockBytes, now)
	}
	x.touch(key(0), now)
	x.touch(key(3), now)
	x.drop(key(2))
	var got []byte
	for {
		k, ok := x.coldest(evictionPlan{})
		if !ok {
			break
		}
		got = append(got, k.Sum[0])
		x.drop(k)
	}
	if diff := cmp.Diff([]byte{1, 4, 0, 3}, got); diff != "" {
		t.Errorf("order of eviction (-want +got):\n%s", diff)
	}
	if objects, bytes := x.totals(); objects != 0 || bytes != 0 {
		t.Errorf("totals = %d, %d; want 0, 0", objects, bytes)
	}
}

// TestIndexSameHash commits two keys that share their first eight bytes: the earlier one is handed back, so that its file
// does not stay behind unknown.
func TestIndexSameHash(t *testing.T) {
	x := newDiskIndex(1 << 30)
	one, two := Key{Kind: Original, Sum: [32]byte{31: 1}}, Key{Kind: Original, Sum: [32]byte{31: 2}}
	for _, k := range []Key{one, one, two} {
		if _, err := x.reserve(blockBytes); err != nil {
			t.Fatal(err)
		}
		displaced, ok := x.commit(k, blockBytes, startOfTime)
		if ok != (k == two) || ok && displaced != one {
			t.Errorf("commit(%s) displaced %s, %t", k, displaced, ok)
		}
	}
	if x.has(one) || !x.has(two) {
		t.Errorf("has = %t, %t; want false, true", x.has(one), x.has(two))
	}
}

// TestIndexWhileBuilding uses, adds and drops objects between their being loaded and put in order.
func TestIndexWhileBuilding(t *testing.T) {
	x := newDiskIndex(1 << 30)
	x.reset(true)
	key := func(i byte) Key { return Key{Kind: Pointer, Sum: [32]byte{i}} }
	for i := range byte(6) { // 5 is the most recently used, as far as files tell
		x.load(key(i), 100, startOfTime.Add(time.Duration(i)*time.Hour))
	}
	x.touch(key(1), startOfTime)
	x.drop(key(4))
	x.adopt(key(9), 100, startOfTime)
	if _, err := x.reserve(blockBytes); err != nil {
		t.Fatal(err)
	}
	x.commit(key(0), blockBytes, startOfTime)
	x.load(key(9), 100, startOfTime)
	if _, err := x.reserve(x.max / 10); !errors.Is(err, ErrNotKept) {
		t.Errorf("reserve of a tenth while building = %v, want ErrNotKept", err)
	}
	x.finish()
	var got []byte
	for {
		k, ok := x.coldest(evictionPlan{})
		if !ok {
			break
		}
		got = append(got, k.Sum[0])
		x.drop(k)
	}
	if diff := cmp.Diff([]byte{2, 3, 5, 1, 9, 0}, got); diff != "" {
		t.Errorf("order of eviction (-want +got):\n%s", diff)
	}
}
