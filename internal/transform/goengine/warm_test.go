package goengine

import (
	"context"
	"errors"
	"testing"
)

func TestWarm(t *testing.T) {
	if err := New().Warm(t.Context()); err != nil {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := New().Warm(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
}
