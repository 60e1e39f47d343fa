//go:build unix

package main

import (
	"io/fs"
	"os"
	"syscall"
)

// openFiles is how many files and sockets this process may have open at a time; 0 where nobody knows. Go's start-up has
// raised the soft limit to the hard one.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return limit.Cur
}

// writeOnce writes what of p there is room for in the socket fd, which does not block; 0 of it where that fails.
func writeOnce(fd uintptr, p []byte) int {
	for {
		n, err := syscall.Write(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0)
		}
	}
}

// keepOwner gives f the owner and group that info has. Who may not do that need not: the file is theirs already, or stays so.
func keepOwner(f *os.File, info fs.FileInfo) error {
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		return f.Chown(int(owner.Uid), int(owner.Gid))
	}
	return nil
}
