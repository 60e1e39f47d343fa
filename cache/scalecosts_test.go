package cache

import "math"

// What renditions weigh and cost is measured: internal/docs/scale.md says how. Between the measured widths the curves are straight
// in a logarithmic scale.
var (
	measuredWidths = []float64{320, 640, 960, 1280, 1920, 2560}
	// measuredBytes are means of photographs, by format, in the default quality, which is searched.
	measuredBytes = [][]float64{
		jpeg: {13_246, 41_651, 81_327, 127_051, 227_367, 332_656},
		webp: {9_417, 30_213, 61_059, 95_284, 177_208, 242_190},
		avif: {7_974, 25_105, 48_366, 75_526, 139_711, 192_641},
	}
	// measuredCPU are seconds of processor time for one rendition alone, reading the original included: means of originals of 2, 6
	// and 24 megapixels.
	measuredCPU = [][]float64{
		jpeg: {0.045, 0.068, 0.102, 0.135, 0.267, 0.394},
		webp: {0.114, 0.251, 0.230, 0.318, 0.586, 1.054},
		avif: {0.188, 0.453, 0.562, 0.666, 1.197, 1.655},
	}
	// measuredOriginals are the bytes of originals, by width.
	measuredOriginals = map[int]float64{1200: 250e3, 1920: 600e3, 3000: 1800e3, 6000: 6000e3}
)

const (
	// complexity is the standard deviation of the logarithm of the bytes of pictures in one size.
	complexity = 0.7
	// pointerBytes are those of a pointer in memory or in a bucket; on disk it is a block.
	pointerBytes = 700
)

// between reads a measured curve at a width.
func between(curve []float64, width float64) float64 {
	i := 0
	for i < len(curve)-2 && measuredWidths[i+1] < width {
		i++
	}
	slope := math.Log(curve[i+1]/curve[i]) / math.Log(measuredWidths[i+1]/measuredWidths[i])
	return curve[i] * math.Pow(width/measuredWidths[i], slope)
}

// outputWidth is how wide a rendition comes out.
func (id scaleID) outputWidth() float64 {
	return float64(min(scaleWidths[id.part()%len(scaleWidths)].of, id.width()))
}

// bytes are those of the object.
func (id scaleID) bytes() int64 {
	switch id.part() {
	case scalePointer:
		return pointerBytes
	case scaleOriginal:
		return int64(measuredOriginals[id.width()] * id.detail())
	}
	return int64(between(measuredBytes[id.part()/len(scaleWidths)], id.outputWidth()) * id.detail())
}

// detail is how much more or less a picture weighs than others of its size: log-normal, with mean 1.
func (id scaleID) detail() float64 {
	normal := -6.0 // the sum of twelve uniform numbers has variance 1
	for i := range uint64(12) {
		normal += fraction(uint64(id.image()) + i<<40)
	}
	return math.Exp(complexity*normal - complexity*complexity/2)
}

// seconds are the processor's for making it.
func (id scaleID) seconds() float64 {
	return between(measuredCPU[id.part()/len(scaleWidths)], id.outputWidth())
}
