package worker

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dd8bf596/cutline/internal/transform"
)

// A frame is four bytes, big-endian, that say how long its head is; the head, in JSON; and the bodies that the head gives
// the lengths of. Both sides are one program, so heads have no versions.
const (
	// maxHead bounds a head. Thirty specs are 8 KB; a failure's text and stack are cut to fit.
	maxHead = 256 << 10
	// maxText and maxStack bound what a worker says of a failure.
	maxText, maxStack = 2 << 10, 16 << 10
	// headroom is what a file may have beside its pixels: headers, palettes, profiles.
	headroom = 1 << 20
	// maxMoving bounds an animation's file: transform.Options.MaxMoving is 16 megapixels by default, and a pixel takes four
	// bytes at most.
	maxMoving = 256 << 20
)

// errFrame is a frame that no worker of this program writes.
var errFrame = errors.New("malformed frame")

// setup is the first frame, to the worker.
type setup struct {
	Procs  int   // GOMAXPROCS; 0 leaves it
	Memory int64 // what one job's soft limit is at most, in bytes; 0 is no bound
	Open   bool  // the sandbox stays open
}

// hello is the first frame from the worker, when it is ready.
type hello struct {
	Formats []ability
	Closed  bool   // system calls for files, sockets and processes are refused
	Why     string // why not
}

// ability is what the worker's engine does with a format; it must be what the parent's does.
type ability struct {
	Format         transform.Format
	Decode, Encode bool
	Rev            string
}

// request asks for one job; a body, the source, follows.
type request struct {
	Warm   []transform.Format // instead of a job
	Specs  []transform.Spec
	Source int64
}

// response is a job's result; the outputs' bodies follow.
type response struct {
	Failure *failure `json:",omitempty"`
	Outputs []output `json:",omitempty"`
}

// output is a transform.Output without its bytes.
type output struct {
	Format                         transform.Format
	Width, Height, Frames, Quality int
	Took                           transform.Timing
	Bytes                          int64
}

// abilities lists what e does.
func abilities(e transform.Engine) []ability {
	var list []ability
	for _, f := range transform.Formats() {
		can := e.Can(f)
		list = append(list, ability{f, can.Decode, can.Encode, e.Rev(f)})
	}
	return list
}

// writeFrame writes head and bodies.
func writeFrame(w io.Writer, head any, bodies ...[]byte) error {
	text, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	if len(text) > maxHead {
		return fmt.Errorf("%w: a head of %d bytes, of at most %d", errFrame, len(text), maxHead)
	}
	if _, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...)); err != nil { //nolint:gosec // a head, bounded by maxHead
		return err
	}
	for _, body := range bodies {
		if _, err := w.Write(body); err != nil {
			return err
		}
	}
	return nil
}

// readHead reads a frame up to its bodies.
func readHead(r *bufio.Reader, head any) error {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > maxHead {
		return fmt.Errorf("%w: a head of %d bytes, of at most %d", errFrame, n, maxHead)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return err
	}
	if err := json.Unmarshal(text, head); err != nil {
		return fmt.Errorf("%w: %w", errFrame, err)
	}
	return nil
}

// readBody reads n bytes, of at most limit. Memory grows with what has come, not with what was announced.
func readBody(r io.Reader, n, limit int64) ([]byte, error) {
	if n < 0 || n > limit {
		return nil, fmt.Errorf("%w: a body of %d bytes, of at most %d", errFrame, n, limit)
	}
	const step = 1 << 20
	body := make([]byte, 0, min(n, step))
	for int64(len(body)) < n {
		if len(body) == cap(body) {
			body = append(make([]byte, 0, min(n, 2*int64(cap(body)))), body...)
		}
		free := body[len(body):cap(body)]
		got, err := io.ReadFull(r, free)
		body = body[:len(body)+got]
		if err != nil {
			return nil, err
		}
	}
	return body, nil
}

// bodyLimit bounds the file that is made for s.
func bodyLimit(s transform.Spec) int64 {
	if s.Animate {
		return maxMoving
	}
	return headroom + 8*int64(s.Width)*int64(s.Height)
}

// readOutputs reads the bodies that belong to a response to specs.
func readOutputs(r io.Reader, list []output, specs []transform.Spec) ([]transform.Output, error) {
	if len(list) != len(specs) {
		return nil, fmt.Errorf("%w: %d outputs for %d specs", errFrame, len(list), len(specs))
	}
	outputs := make([]transform.Output, len(list))
	for i, o := range list {
		body, err := readBody(r, o.Bytes, bodyLimit(specs[i]))
		if err != nil {
			return nil, err
		}
		outputs[i] = transform.Output{
			Body: body, Format: o.Format, Width: o.Width, Height: o.Height, Frames: o.Frames, Quality: o.Quality, Took: o.Took,
		}
	}
	return outputs, nil
}

// cut is at most n bytes of s, in valid UTF-8.
func cut(s string, n int) string { return strings.ToValidUTF8(s[:min(n, len(s))], "\ufffd") }
