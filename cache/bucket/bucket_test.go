package bucket

import (
	"context"
	"net/url"
	"testing"

	"go.uber.org/goleak"
	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/cachetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memDriver is a service that has labels, as the clouds do.
func memDriver() driver {
	return driver{labels: noLabels, refused: no, noBucket: no}
}

func inMemory(t testing.TB) (*Store, *blob.Bucket) {
	t.Helper()
	b := memblob.OpenBucket(nil)
	s := newStore(Options{}, memDriver(), b, "site")
	t.Cleanup(func() { closeStore(t, s) })
	return s, b
}

func closeStore(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
}

func openStore(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

func folderURL(dir string) string {
	u := url.URL{Scheme: "file", Path: dir, RawQuery: "create_dir=1&prefix=site"}
	return u.String()
}

func TestMemory(t *testing.T) {
	cachetest.Run(t, cachetest.Suite{
		New:       func(t testing.TB) cache.Store { s, _ := inMemory(t); return s },
		FirstWins: true,
	})
}

func TestFolder(t *testing.T) {
	cachetest.Run(t, cachetest.Suite{
		New: func(t testing.TB) cache.Store { return openStore(t, Options{URL: folderURL(t.TempDir())}) },
		Reopen: func(t testing.TB, s cache.Store) cache.Store {
			return openStore(t, s.(*Store).o)
		},
		FirstWins: true,
	})
}
