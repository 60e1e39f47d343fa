//go:build unix

package main

import "syscall"

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
