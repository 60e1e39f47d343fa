package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/dd8bf596/cutline/internal/prefetch"
)

// A progress shows how far prefetch is: a bar on a terminal, else a line now and then.
type progress struct {
	p     *program
	quiet bool
	now   func() time.Time
	bar   *progressbar.ProgressBar // nil where there is no terminal, and before the first picture
	onTTY bool
	began time.Time
	said  time.Time
}

// sayEvery is the time between two lines of a progress that is read as a log.
const sayEvery = 5 * time.Second

func (p *program) newProgress(o prefetchOptions, now func() time.Time) *progress {
	began := now()
	return &progress{p: p, quiet: o.quiet, now: now, onTTY: isTerminal(p.stderr), began: began, said: began}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// report shows one step. It is called by one goroutine at a time.
func (s *progress) report(at prefetch.Progress) {
	switch {
	case s.quiet:
	case s.onTTY:
		s.draw(at)
	case at.Waits > 0:
		s.p.say("prefetch: %s wants to be left alone for %s", printable(at.Entry.Source.Host()), at.Waits.Round(time.Second))
	case s.now().Sub(s.said) >= sayEvery:
		s.said = s.now()
		s.p.say("prefetch: %d of %s, %s saved%s", at.Done, count(at.Total, "image"), saved(at), s.left(at))
	}
}

// draw moves the bar, which shows count, rate and the time that is left by itself.
func (s *progress) draw(at prefetch.Progress) {
	if s.bar == nil {
		s.bar = progressbar.NewOptions(at.Total,
			progressbar.OptionSetWriter(s.p.stderr), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("img"), progressbar.OptionSetPredictTime(true), progressbar.OptionSetElapsedTime(true),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(24), progressbar.OptionClearOnFinish())
	}
	if at.Waits > 0 {
		s.bar.Describe(printable(at.Entry.Source.Host()) + " wants a pause")
		return
	}
	s.bar.Describe(saved(at) + " saved")
	_ = s.bar.Set(at.Done) // what cannot be drawn is not missed
}

// end takes the bar away.
func (s *progress) end() {
	if s.bar != nil {
		_ = s.bar.Finish() // as above
	}
}

// left estimates the time until the end by what there was.
func (s *progress) left(at prefetch.Progress) string {
	if at.Done == 0 || at.Done >= at.Total {
		return ""
	}
	took := s.now().Sub(s.began)
	return fmt.Sprintf(", about %s left", (took / time.Duration(at.Done) * time.Duration(at.Total-at.Done)).Round(time.Second))
}

// saved is what a reader with a large screen saves by loading what was made instead of originals.
func saved(at prefetch.Progress) string { return megabytes(max(at.Original-at.Shown, 0)) }
