package fetch

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// firstBytes is what is reserved before a body's first byte is there, whatever its Content-Length claims.
const firstBytes = 64 << 10

// wireSlack is what a body may have on the wire beyond the limit of its decoded bytes: gzip's headers, and what it adds to
// bytes that cannot be packed (5 bytes in 64 KB, RFC 1951 §3.2.4). Without a bound of its own a body of empty members, which
// decode to nothing, would go on until the timeout.
const wireSlack = 64 << 10

// receive reads the whole body, decoded, or returns an error and nothing. cancel ends the request when it is too slow.
func (f *Fetcher) receive(ctx context.Context, cancel context.CancelCauseFunc, resp *http.Response) ([]byte, error) {
	wire := &meter{from: resp.Body, limit: f.maxBytes + wireSlack}
	stop := wire.watch(f.window, func() { cancel(errSlow) })
	defer stop()

	var body io.Reader = wire
	expect := resp.ContentLength
	switch coding := strings.ToLower(strings.Join(resp.Header.Values("Content-Encoding"), ",")); coding {
	case "", "identity":
		if expect > f.maxBytes {
			return nil, fmt.Errorf("%w: %d bytes of at most %d", ErrTooLarge, expect, f.maxBytes)
		}
	case "gzip", "x-gzip":
		unpacked, err := gzip.NewReader(wire)
		if err != nil {
			return nil, bodyError(ctx, err)
		}
		body, expect = unpacked, -1
	default:
		return nil, fmt.Errorf("%w: %.40q", ErrEncoding, coding)
	}
	data, err := readAll(body, expect, f.maxBytes)
	if err != nil {
		return nil, bodyError(ctx, err)
	}
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: empty body", ErrBroken)
	}
	return data, nil
}

// bodyError is classify for errors of reading a body.
func bodyError(ctx context.Context, err error) error {
	if errors.Is(err, ErrTooLarge) {
		return err
	}
	return classify(ctx, err, ErrBroken)
}

// readAll reads to the end, at most limit bytes, expecting expect (-1: unknown). The buffer grows with what arrives: an
// origin that promises much and sends little reserves little.
func readAll(r io.Reader, expect, limit int64) ([]byte, error) {
	if expect < 0 {
		expect = limit
	}
	// One byte more than expected lets the read that meets the end of the body fill no new buffer.
	buf := make([]byte, 0, min(expect+1, firstBytes))
	for {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, int(min(int64(len(buf)), max(expect+1-int64(len(buf)), 512))))
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > limit {
			return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
		}
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// A meter counts the bytes that come over the wire, and ends with ErrTooLarge behind limit of them.
type meter struct {
	from  io.Reader
	limit int64
	count atomic.Int64
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	if m.count.Add(int64(n)) > m.limit {
		return 0, fmt.Errorf("%w: more than %d bytes on the wire", ErrTooLarge, m.limit)
	}
	return n, err
}

// watch calls slow when a window passes with less than rateBytes, and not again. Stop ends it; slow may be running then.
func (m *meter) watch(window time.Duration, slow func()) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		tick := time.NewTicker(window)
		defer tick.Stop()
		for last := int64(0); ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			count := m.count.Load()
			if count-last < rateBytes {
				slow()
				return
			}
			last = count
		}
	}()
	return cancel
}
