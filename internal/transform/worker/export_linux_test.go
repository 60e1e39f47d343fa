package worker

import (
	"context"
	"os/exec"
	"runtime"
	"strings"
)

// Confined runs a program as workers are started, without what they do to themselves afterwards.
func Confined(ctx context.Context, path string, arg ...string) ([]byte, error) {
	type answer struct {
		out []byte
		err error
	}
	done := make(chan answer)
	go func() {
		runtime.LockOSThread() // for ever, as a spawner's
		confineThread()
		cmd := exec.CommandContext(ctx, path, arg...)
		cmd.Stdin = strings.NewReader("") // a pipe, as a worker's
		out, err := cmd.CombinedOutput()
		done <- answer{out, err}
		select {}
	}()
	a := <-done
	return a.out, a.err
}
