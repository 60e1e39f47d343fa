//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package cache

import (
	"os"
	"syscall"
)

// lockAlone takes f's lock and reports whether nobody else has it. Locks belong to open files (flock(2)), so two Disks of
// one process are two holders, and a killed process holds none.
func lockAlone(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// lockShared takes f's lock together with others, or gives up being alone. It does not wait: whoever has it alone at this
// moment is opening the folder, and at worst removes a temporary file of ours, which costs one Put.
func lockShared(f *os.File) {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
}
