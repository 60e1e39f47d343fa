//go:build gcs

package bucket

import (
	"context"
	"net/url"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"gocloud.dev/gcp"
)

// gcsDriver is Google Cloud Storage.
func gcsDriver() (driver, bool) {
	return driver{
		check: named,
		open: func(ctx context.Context, u *url.URL, _ int) (*blob.Bucket, error) {
			found, err := gcp.DefaultCredentials(ctx)
			if err != nil {
				return nil, err
			}
			client, err := gcp.NewHTTPClient(gcp.DefaultTransport(), gcp.CredentialsTokenSource(found))
			if err != nil {
				return nil, err
			}
			return gcsblob.OpenBucket(ctx, client, u.Host, nil)
		},
		labels: func(r *blob.Reader) (map[string]string, bool) {
			var reader *storage.Reader
			if !r.As(&reader) {
				return nil, false
			}
			return reader.Metadata(), true
		},
		refused: no, noBucket: no,
	}, true
}
