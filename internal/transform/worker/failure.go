package worker

import (
	"context"
	"errors"

	"github.com/dd8bf596/cutline/internal/transform"
)

// A failure is an engine's error on its way: its class, by name, and its text.
type failure struct {
	Class string // of classes; "" is any other error
	Text  string
	Stack string `json:",omitempty"` // of a panic
}

// classPanic is a *transform.PanicError's.
const classPanic = "panic"

// classes names the errors of the Engine contract.
func classes() map[string]error {
	return map[string]error{
		"format":   transform.ErrFormat,
		"corrupt":  transform.ErrCorrupt,
		"large":    transform.ErrTooLarge,
		"spec":     transform.ErrSpec,
		"canceled": context.Canceled,
		"deadline": context.DeadlineExceeded,
	}
}

// newFailure is err as it travels.
func newFailure(err error) *failure {
	f := &failure{Text: cut(err.Error(), maxText)}
	if p, ok := errors.AsType[*transform.PanicError](err); ok {
		f.Class, f.Stack = classPanic, cut(string(p.Stack), maxStack)
		return f
	}
	for name, class := range classes() {
		if errors.Is(err, class) {
			f.Class = name
		}
	}
	return f
}

// err is the error that f was, as far as the Engine contract goes.
func (f *failure) err() error {
	text := cut(f.Text, maxText)
	if f.Class == classPanic {
		return &transform.PanicError{Value: text, Stack: []byte(cut(f.Stack, maxStack))}
	}
	return &remoteError{text: text, class: classes()[f.Class]}
}

// A remoteError has the text of an error in a worker, and its class.
type remoteError struct {
	text  string
	class error // nil is none of the contract's
}

func (e *remoteError) Error() string { return e.text }

func (e *remoteError) Unwrap() error { return e.class }
