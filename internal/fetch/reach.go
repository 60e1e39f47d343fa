package fetch

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/dd8bf596/cutline/internal/source"
)

// Reach reports whether anything is at the URL src, under the policy and the limits of Fetch, redirects included. It asks by
// HEAD, and by GET where that is answered with an error, as servers answer it that do not know it; no body is read. What is
// there but not for us (401, 403, 406, 451) is there. Errors are Fetch's.
func (f *Fetcher) Reach(ctx context.Context, src source.Source) error {
	err := f.reach(ctx, src)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("reach %s: %w", src.Public(), err)
	}
	return nil
}

func (f *Fetcher) reach(ctx context.Context, src source.Source) error {
	if !src.Remote() {
		return fmt.Errorf("%w: expected a URL", ErrRefused)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(f.timeout, func() { cancel(errDeadline) })
	defer timer.Stop()
	err := f.head(ctx, http.MethodHead, src)
	if StatusOf(err) != 0 {
		err = f.head(ctx, http.MethodGet, src)
	}
	return err
}

// head asks for src and looks at the status alone.
func (f *Fetcher) head(ctx context.Context, method string, src source.Source) error {
	resp, v, err := f.follow(ctx, method, src, Validators{})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	there := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotAcceptable, http.StatusUnavailableForLegalReasons}
	if resp.StatusCode >= http.StatusBadRequest && !slices.Contains(there, resp.StatusCode) {
		err = statusError(resp.StatusCode, resp.Header, time.Now())
	}
	v.end(ctx, resp.StatusCode, err)
	return err
}
