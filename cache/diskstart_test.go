package cache

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// generatedKey is an original's, the i-th of many.
func generatedKey(i int) Key {
	k := Key{Kind: Original}
	binary.LittleEndian.PutUint64(k.Sum[:], uint64(i)) // spread over all folders
	return k
}

// generate writes files as a Disk would, without its syncs.
func generate(t *testing.T, dir string, objects int) {
	t.Helper()
	v1 := filepath.Join(dir, versionFolder)
	for fan := range 256 {
		if err := os.MkdirAll(filepath.Join(v1, Original.String(), fmt.Sprintf("%02x", fan)), dirPerm); err != nil {
			t.Fatal(err)
		}
	}
	for i := range objects {
		k := generatedKey(i)
		b := encoded(t, k, &Object{Body: fmt.Append(nil, i)})
		if err := os.WriteFile(filepath.Join(v1, objectName(k)), b, filePerm); err != nil {
			t.Fatal(err)
		}
	}
}

func wantGenerated(t *testing.T, d *Disk, i int) {
	t.Helper()
	if o, err := d.Get(t.Context(), generatedKey(i)); err != nil || string(o.Body) != fmt.Sprint(i) {
		t.Fatalf("Get(%d) = %v, %v", i, o, err)
	}
}

// TestDiskStart opens a folder of some thousand objects, whose listing is held up: what is asked for is read before the index
// has anything, and what was read is indexed once. A million are TestIntegrationDiskMillion's.
func TestDiskStart(t *testing.T) {
	const objects = 5000
	dir := t.TempDir()
	generate(t, dir, objects)
	release := make(chan struct{})
	d, err := openDisk(DiskOptions{Dir: dir}, func(dir string) (folder, bool, error) {
		f, fresh, err := openFolder(dir)
		return &heldFolder{f, release}, fresh, err
	}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		wantGenerated(t, d, i*49)
	}
	if st := d.Stats(); st.Hits != 100 || st.Objects != 100 {
		t.Errorf("Stats = %+v before anything was listed; want 100 hits, which the index knows", st)
	}
	close(release)
	<-d.built
	if st := d.Stats(); st.Objects != objects || st.Bytes != objects*blockBytes || st.Errors != 0 {
		t.Errorf("Stats = %+v; want %d objects of a block each", st, objects)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestDiskOtherVersions has files of a later and an earlier format where this one's would be, as a downgrade or an upgrade
// within one folder would leave them: each is a miss and left alone, until this version keeps something under that key.
func TestDiskOtherVersions(t *testing.T) {
	dir := t.TempDir()
	generate(t, dir, 2)
	name := func(i int) string { return filepath.Join(dir, versionFolder, objectName(generatedKey(i))) }
	for i, version := range []byte{frameVersion - 1, frameVersion + 1} {
		b, err := os.ReadFile(name(i))
		if err != nil {
			t.Fatal(err)
		}
		b[7] = version
		if err := os.WriteFile(name(i), b, filePerm); err != nil {
			t.Fatal(err)
		}
	}
	d := openBreakable(t, dir, 0)
	for i := range 2 {
		if o, err := d.Get(t.Context(), generatedKey(i)); err == nil {
			t.Errorf("Get of another version = %v, want a miss", o)
		}
		if _, err := os.Lstat(name(i)); err != nil {
			t.Errorf("the other version's file: %v, want it there", err)
		}
		d.mustPut(t, generatedKey(i), &Object{Body: fmt.Append(nil, i)})
		wantGenerated(t, d.Disk, i)
	}
	if st := d.Stats(); st.Corrupt != 0 || st.Errors != 0 {
		t.Errorf("Stats = %+v; want nothing damaged or failed", st)
	}
}
