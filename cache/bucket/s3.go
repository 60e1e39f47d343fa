package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	gcaws "gocloud.dev/aws"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
)

const pathStyle = "use_path_style"

// s3Driver is S3's protocol, of Amazon and of all others who speak it.
func s3Driver() driver {
	return driver{
		params: []string{"region", "endpoint", pathStyle, "profile", "role", "request_checksum_calculation", "response_checksum_validation"},
		check:  checkS3,
		open:   openS3,
		labels: func(r *blob.Reader) (map[string]string, bool) {
			var out s3.GetObjectOutput
			if !r.As(&out) {
				return nil, false
			}
			// The head needs no escape; the other labels are not for us.
			return out.Metadata, true
		},
		refused: func(b *blob.Bucket, err error) bool {
			var re *awshttp.ResponseError
			if b.ErrorAs(err, &re) {
				return re.HTTPStatusCode() == http.StatusForbidden || re.HTTPStatusCode() == http.StatusUnauthorized
			}
			var signing *smithy.OperationError // before anything was sent
			return b.ErrorAs(err, &signing) && errors.Is(err, errNoCredentials)
		},
		noBucket: func(b *blob.Bucket, err error) bool {
			var api smithy.APIError
			return b.ErrorAs(err, &api) && api.ErrorCode() == "NoSuchBucket"
		},
	}
}

func checkS3(u *url.URL) error {
	q := u.Query()
	if v := q.Get("endpoint"); v != "" {
		e, err := url.Parse(v)
		if err != nil || e.Scheme != "http" && e.Scheme != "https" || e.Host == "" || e.User != nil || e.RawQuery != "" {
			return errors.New("endpoint: expected http(s)://HOST, without user or password")
		}
	}
	if v := q.Get(pathStyle); v != "" {
		if _, err := strconv.ParseBool(v); err != nil {
			return fmt.Errorf("%s: expected true or false", pathStyle)
		}
	}
	return named(u)
}

// errNoCredentials is the cause of what was not sent for want of credentials.
var errNoCredentials = errors.New("no credentials")

// credentials is a provider that says so when there are none.
type credentials struct{ aws.CredentialsProvider }

func (c credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return found, fmt.Errorf("%w: %w", errNoCredentials, err)
	}
	return found, nil
}

func openS3(ctx context.Context, u *url.URL, connections int) (*blob.Bucket, error) {
	q := u.Query()
	style, _ := strconv.ParseBool(q.Get(pathStyle)) // checked
	q.Del(pathStyle)
	config, err := gcaws.V2ConfigFromURLParams(ctx, q)
	if err != nil {
		return nil, err
	}
	if config.Region == "" {
		return nil, errors.New("expected region=NAME in its URL, or AWS_REGION")
	}
	// The tries are counted here, in do; the library's own would be three more for each.
	config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	config.Logger = logging.Nop{} // it would write to standard error
	if config.Credentials != nil {
		config.Credentials = credentials{config.Credentials}
	}
	config.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = connections
	})
	client := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = style })
	return s3blob.OpenBucket(ctx, client, u.Host, &s3blob.Options{RequestChecksumCalculation: config.RequestChecksumCalculation})
}
