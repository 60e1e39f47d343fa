package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
)

// A driver is what services differ in.
type driver struct {
	params []string // that a URL may have
	framed bool     // labels are not written together with the body: everything is a frame
	check  func(*url.URL) error
	open   func(ctx context.Context, u *url.URL, connections int) (*blob.Bucket, error)
	// labels are those of what r reads, where the answer has them too.
	labels func(r *blob.Reader) (map[string]string, bool)
	// refused and noBucket tell what an error of the service means, beyond the codes that all have.
	refused, noBucket func(b *blob.Bucket, err error) bool
}

func no(*blob.Bucket, error) bool                     { return false }
func noLabels(*blob.Reader) (map[string]string, bool) { return nil, false }

// driverOf returns the driver of a scheme, or an error that says which there are.
func driverOf(scheme string) (driver, error) {
	switch scheme {
	case "s3":
		return s3Driver(), nil
	case "file":
		return fileDriver(), nil
	case "gs":
		if d, ok := gcsDriver(); ok {
			return d, nil
		}
		return driver{}, errors.New("this program was built without Google Cloud Storage: build it with -tags gcs")
	case "azblob":
		if d, ok := azureDriver(); ok {
			return d, nil
		}
		return driver{}, errors.New("this program was built without Azure Blob Storage: build it with -tags azure")
	}
	return driver{}, errors.New("expected s3://BUCKET, file:///FOLDER, gs://BUCKET or azblob://CONTAINER")
}

// A place is a URL taken apart.
type place struct {
	url    *url.URL // without prefix
	prefix string
	driver driver
}

// prefixParam names the parameter for the site's part of the bucket.
const prefixParam = "prefix"

var plainPrefix = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$`)

const maxPrefix = 200

// Check returns why rawURL names no bucket, without asking any. It never quotes rawURL.
//
//	s3://BUCKET?prefix=SITE&region=eu-central-1
//	s3://BUCKET?prefix=SITE&region=us-east-1&endpoint=https://s3.example.net&use_path_style=true
//	file:///FOLDER?prefix=SITE&create_dir=1
//	gs://BUCKET?prefix=SITE
//	azblob://CONTAINER?prefix=SITE
//
// prefix is required: pointers to files of a site are kept by their path, so two sites may share a bucket and never a prefix.
// Credentials come from the environment and the files that each service's own tools use; a URL has none.
func Check(rawURL string) error {
	_, err := parse(rawURL)
	return err
}

func parse(rawURL string) (place, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return place{}, errors.New("expected a URL such as s3://BUCKET?prefix=SITE")
	}
	d, err := driverOf(u.Scheme)
	if err != nil {
		return place{}, err
	}
	q, err := url.ParseQuery(u.RawQuery)
	switch {
	case err != nil:
		return place{}, errors.New("expected parameters such as ?prefix=SITE&region=us-east-1")
	case u.User != nil:
		return place{}, errors.New("expected no user or password in it: credentials come from the environment, as for the service's own tools")
	case u.Fragment != "" || u.Opaque != "":
		return place{}, errors.New("expected a URL such as s3://BUCKET?prefix=SITE")
	}
	for name, values := range q {
		switch {
		case name != prefixParam && !slices.Contains(d.params, name):
			return place{}, fmt.Errorf("unknown parameter %q: %s:// knows %s", name, u.Scheme, strings.Join(append([]string{prefixParam}, d.params...), ", "))
		case len(values) > 1:
			return place{}, fmt.Errorf("parameter %q stands twice", name)
		}
	}
	prefix := q.Get(prefixParam)
	if len(prefix) > maxPrefix || !plainPrefix.MatchString(prefix) {
		return place{}, fmt.Errorf("expected prefix=SITE, a name that no other site has in this bucket: letters, digits, '.', '_', '-', parts joined by '/', at most %d", maxPrefix)
	}
	q.Del(prefixParam)
	u.RawQuery = q.Encode()
	if err := d.check(u); err != nil {
		return place{}, err
	}
	return place{url: u, prefix: prefix, driver: d}, nil
}

// named refuses a URL without the name of a bucket, or with a path, which could be taken for a prefix.
func named(u *url.URL) error {
	if u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("expected %s://BUCKET without a path; prefix=SITE is a parameter", u.Scheme)
	}
	return nil
}

// fileDriver keeps everything in a folder, for machines that share a file system. A body and its labels would be two files there.
func fileDriver() driver {
	return driver{
		params: []string{"create_dir"},
		framed: true,
		check: func(u *url.URL) error {
			if u.Host != "" || !filepath.IsAbs(filepath.FromSlash(u.Path)) {
				return errors.New("expected file:///FOLDER, an absolute path behind three slashes")
			}
			return nil
		},
		open: func(_ context.Context, u *url.URL, _ int) (*blob.Bucket, error) {
			return fileblob.OpenBucket(filepath.FromSlash(u.Path), &fileblob.Options{
				CreateDir:   u.Query().Get("create_dir") != "",
				DirFileMode: 0o700,
				NoTempDir:   true, // to be renamed, it has to be in the same file system
				Metadata:    fileblob.MetadataDontWrite,
			})
		},
		labels:  noLabels,
		refused: no, noBucket: no,
	}
}
