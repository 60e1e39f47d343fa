package goengine

import (
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/dd8bf596/cutline/internal/transform"
)

// A crew runs the encodes of one call, several at a time where processors are spare: the first answer to a reader is the
// smallest of several formats, and waits for all of them. Its memory is what transform.ParallelBytes bounds.
type crew struct {
	spare chan struct{} // of the engine: a token for each goroutine beside those of the calls

	mu      sync.Mutex
	left    *sync.Cond // running has become less
	running int64      // bytes that the encoders under way work with
	err     error      // the first one
	wg      sync.WaitGroup
}

// newSpare is the tokens of one engine: with those of one call that is at work itself, as many as there are processors.
func newSpare() chan struct{} { return make(chan struct{}, max(runtime.GOMAXPROCS(0)-1, 0)) }

func newCrew(spare chan struct{}) *crew {
	c := &crew{spare: spare}
	c.left = sync.NewCond(&c.mu)
	return c
}

// do runs job, which writes an output of f and so many pixels: in another goroutine where one is spare, and never for the
// last job, else at once. It is false where a job before has failed, and the rest is for nothing.
func (c *crew) do(f transform.Format, pixels int64, last bool, job func() error) bool {
	bytes := transform.EncoderBytes(f, pixels)
	if !c.enter(bytes) {
		return false
	}
	if !last {
		select {
		case c.spare <- struct{}{}:
			c.wg.Go(func() {
				defer func() { <-c.spare }()
				c.run(bytes, job)
			})
			return true
		default:
		}
	}
	c.run(bytes, job)
	return true
}

// enter waits until the encoders under way leave so many bytes, or none is under way.
func (c *crew) enter(bytes int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.running > 0 && c.running+bytes > transform.ParallelBytes {
		c.left.Wait()
	}
	c.running += bytes
	return c.err == nil
}

// run runs job and keeps what goes wrong: a panic too, because one in another goroutine would end the process.
func (c *crew) run(bytes int64, job func() error) {
	var err error
	defer func() {
		if v := recover(); v != nil {
			err = &transform.PanicError{Value: v, Stack: debug.Stack()}
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.running -= bytes
		c.left.Broadcast()
		if c.err == nil {
			c.err = err
		}
	}()
	err = job()
}

// wait waits for all jobs and returns the first error.
func (c *crew) wait() error {
	c.wg.Wait()
	return c.err
}
