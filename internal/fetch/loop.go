package fetch

import (
	"context"
	"strings"
)

// loopName names us in Via and CDN-Loop (RFC 8586 §2), by which a server refuses a request of its own that came back. Answers
// are not judged by it: another site's cutline is a good origin.
const loopName = "cutline"

// loopKey is where a context keeps what WithLoop was given.
type loopKey struct{}

// WithLoop returns a context whose fetches name, in CDN-Loop, the other cutlines that the request behind them came through, so
// that each of them knows its own when sources lead round. instances are Options.Instance of theirs, the first one first; the
// caller bounds their number and length, and sees to it that they are tokens.
func WithLoop(ctx context.Context, instances []string) context.Context {
	if len(instances) == 0 {
		return ctx
	}
	return context.WithValue(ctx, loopKey{}, instances)
}

// loop is the CDN-Loop of a request under ctx: who it came through, then ourselves.
func (f *Fetcher) loop(ctx context.Context) string {
	var b strings.Builder
	through, _ := ctx.Value(loopKey{}).([]string)
	for _, instance := range through {
		b.WriteString(loopName + "; id=" + instance + ", ")
	}
	b.WriteString(loopName)
	if f.instance != "" {
		b.WriteString("; id=" + f.instance)
	}
	return b.String()
}
