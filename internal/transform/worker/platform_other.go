//go:build !linux

package worker

import (
	"errors"
	"os"
	"syscall"
)

// program is this program's file.
func program() (string, error) { return os.Executable() }

// environment is a worker's: what the system needs to start a program, and nothing of ours.
func environment() []string {
	if root, ok := os.LookupEnv("SYSTEMROOT"); ok {
		return []string{"SYSTEMROOT=" + root}
	}
	return []string{}
}

// attributes are none: without Linux, a worker ends when it finds its requests at an end.
func attributes() *syscall.SysProcAttr { return nil }

func confineThread() (landlock int) { return 0 }

func closeSandbox() error { return errors.New("there is none but on Linux") }

func standBack() {}

func favour(int) {}

func limitData(int, int64) {}

func widen(*os.File) {}

func residentBytes(int) int64 { return 0 }

// endings are the signals that a terminal sends to all its programs.
func endings() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }

// takeStdout is standard output for the caller alone: what Go code prints goes to standard error from then on.
func takeStdout() (*os.File, error) {
	mine := os.Stdout
	os.Stdout = os.Stderr
	return mine, nil
}
