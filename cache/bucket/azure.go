//go:build azure

package bucket

import (
	"context"
	"net/url"

	"gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"
)

// azureDriver is Azure Blob Storage. The account and its credentials are in AZURE_STORAGE_… variables.
func azureDriver() (driver, bool) {
	return driver{
		params: []string{"storage_account", "domain", "protocol", "localemu"},
		check:  named,
		open: func(ctx context.Context, u *url.URL, _ int) (*blob.Bucket, error) {
			opener := azureblob.URLOpener{
				MakeClient:        azureblob.NewDefaultClient,
				ServiceURLOptions: *azureblob.NewDefaultServiceURLOptions(),
			}
			return opener.OpenBucketURL(ctx, u)
		},
		labels:  noLabels,
		refused: no, noBucket: no,
	}, true
}
