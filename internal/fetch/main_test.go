package fetch

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a fetch leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
