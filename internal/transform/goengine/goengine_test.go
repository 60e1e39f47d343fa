package goengine_test

import (
	"testing"

	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/enginetest"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

func TestEngine(t *testing.T) {
	enginetest.Run(t, func(testing.TB) transform.Engine { return goengine.New() })
}
