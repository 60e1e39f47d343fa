package goengine

import (
	"context"
	"fmt"
	"math"

	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine/resample"
)

// A codec writes one lossy format, and reads the luma of what it wrote.
type codec struct {
	// write encodes p. thorough spends more time on fewer bytes, where the encoder can.
	write func(p *plate, quality int, thorough bool) ([]byte, error)
	// luma is the luma of a file that write made, over mid-grey where it is transparent.
	luma func(ctx context.Context, body []byte) (resample.Plane, error)
	// probes are the qualities that are tried on a sample, rising.
	probes [3]int
	// worth is how many bits per pixel a perfect picture would be worth more than one of SSIM 0.
	worth float64
}

// fit encodes p as s says and returns the quality it was encoded at.
//
// A quality of 0 is searched: the one under which bits per pixel + worth × (1 − SSIM of luma) is least, SSIM being that of
// a sample of the picture (plate.sample) before and after. A constant SSIM would spend most of the bytes on noise and
// foliage, where nobody sees the difference, and a constant quality too few on skies and faces. Three encodes of the
// sample tell how bytes and SSIM depend on the quality, and one encode of the picture is made.
//
// Where s has a limit and the file is larger, the quality is lowered until it is not: at most fitEncodes encodes of the
// picture in all. A picture that does not fit at quality 1 is ErrTooLarge.
func (c codec) fit(ctx context.Context, p *plate, s transform.Spec) (body []byte, quality int, err error) {
	thorough := s.Quality == 0
	quality = s.Quality
	var cv *curve
	if thorough {
		if cv, err = c.measure(ctx, p.sample()); err != nil {
			return nil, 0, err
		}
		quality = cv.best(c.worth)
	}
	body, err = c.encode(ctx, p, quality, thorough)
	for n := 1; err == nil && !within(s.MaxKB, body); n++ {
		if quality == 1 {
			return nil, 0, overLimit(s.MaxKB, len(body))
		}
		if cv == nil {
			if cv, err = c.measure(ctx, p.sample()); err != nil {
				return nil, 0, err
			}
		}
		next := 1
		if n < fitEncodes-1 {
			next = min(cv.lower(quality, float64(s.MaxKB*1000)/float64(len(body))), quality-1)
		}
		quality = max(next, 1)
		body, err = c.encode(ctx, p, quality, thorough)
	}
	return body, quality, err
}

// fitEncodes bounds the encodes of a picture that has to fit into a number of bytes; the last is of quality 1.
const fitEncodes = 5

func (c codec) encode(ctx context.Context, p *plate, quality int, thorough bool) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.write(p, quality, thorough)
}

// A curve is how the bytes of a sample, and its distance from itself, depend on the quality. The logarithms of both are
// straight between the probes, and beyond them.
type curve struct {
	quality [3]float64
	bits    [3]float64 // logarithm of bits per pixel
	loss    [3]float64 // logarithm of 1 − SSIM
}

// leastLoss keeps the logarithm of a perfect sample's loss finite.
const leastLoss = 1e-6

// measure encodes a sample at each of the probes.
func (c codec) measure(ctx context.Context, p *plate) (*curve, error) {
	want := lumaOf(p.pixels)
	cv := &curve{}
	for i, q := range c.probes {
		body, err := c.encode(ctx, p, q, false)
		if err != nil {
			return nil, err
		}
		got, err := c.luma(ctx, body)
		if err != nil {
			return nil, fmt.Errorf("read a sample again: %w", err)
		}
		if got.Width != want.Width || got.Height != want.Height {
			return nil, fmt.Errorf("a sample of %d × %d pixels came back as %d × %d", want.Width, want.Height, got.Width, got.Height)
		}
		cv.quality[i] = float64(q)
		cv.bits[i] = math.Log(8 * float64(len(body)) / float64(want.Width*want.Height))
		cv.loss[i] = math.Log(max(1-similarity(want, got), leastLoss))
	}
	return cv, nil
}

// Bounds of a searched quality's SSIM and of the quality itself. Below the one, blocks and ringing show whatever they
// save; above the other, bytes grow and nothing else does.
const (
	leastSSIM   = 0.95
	mostQuality = 94
)

// best is the quality at which bits and loss together are least.
func (cv *curve) best(worth float64) int {
	best, least := mostQuality, math.Inf(1)
	for q := mostQuality; q >= int(cv.quality[0]); q-- {
		loss := math.Exp(cv.at(cv.loss, float64(q)))
		cost := math.Exp(cv.at(cv.bits, float64(q))) + worth*loss
		if loss > 1-leastSSIM {
			break
		}
		if cost < least {
			best, least = q, cost
		}
	}
	return best
}

// lower is the quality at which a file has the given share of the bytes that it has at quality from, less 3 per cent
// that the next attempt may be off by.
func (cv *curve) lower(from int, share float64) int {
	want := cv.at(cv.bits, float64(from)) + math.Log(share*0.97)
	for q := from - 1; q > 1; q-- {
		if cv.at(cv.bits, float64(q)) <= want {
			return q
		}
	}
	return 1
}

// at is one of the curve's logarithms at quality q.
func (cv *curve) at(values [3]float64, q float64) float64 {
	i := 0
	if q > cv.quality[1] {
		i = 1
	}
	return values[i] + (values[i+1]-values[i])*(q-cv.quality[i])/(cv.quality[i+1]-cv.quality[i])
}
