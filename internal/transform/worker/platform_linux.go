package worker

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// libraryPath is the only variable that a worker is given: both must load the same shared codec libraries, or make other
// bytes than they say.
const libraryPath = "LD_LIBRARY_PATH"

// program is this program, also where its file has been replaced by that of another version meanwhile.
func program() (string, error) {
	const self = "/proc/self/exe"
	if _, err := os.Stat(self); err == nil {
		return self, nil
	}
	return os.Executable()
}

// environment is a worker's.
func environment() []string {
	if path := os.Getenv(libraryPath); path != "" {
		return []string{libraryPath + "=" + path}
	}
	return []string{}
}

// attributes have a worker killed when its parent dies, and keep a terminal's Ctrl-C from it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// niceness is how far workers stand back where processors are short (sched(7)): whoever asks for a picture that is in the cache, or
// is to be sent away, shall not wait for those who have theirs made.
const niceness = 5

// standBack lowers the priority of the calling thread, and of all processes that it starts.
func standBack() { _ = unix.Setpriority(unix.PRIO_PROCESS, 0, niceness) } // 0 is the thread; to be lower is always allowed

// favour has the kernel take a worker first when memory runs out. Where it cannot be written, the largest process is taken.
func favour(pid int) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("500"), 0)
}

// limitData bounds what a process may allocate beside what it has. That is counted in writable private memory: address space
// (RLIMIT_AS) says nothing about a Go program, which reserves much more than it uses, and the race detector terabytes.
// Without /proc there is no such limit, and the Transformer's budgets are the only ones.
func limitData(pid int, more int64) {
	if data, ok := statm(pid, 5); ok {
		limit := uint64(data + more)                                                       //nolint:gosec // bytes of memory
		_ = unix.Prlimit(pid, unix.RLIMIT_DATA, &unix.Rlimit{Cur: limit, Max: limit}, nil) // it may be lower already
	}
}

// residentBytes is what a process has in memory, shared libraries included; 0 where nobody knows.
func residentBytes(pid int) int64 {
	n, _ := statm(pid, 1)
	return n
}

// statm is one of the figures of proc_pid_statm(5), in bytes.
func statm(pid, field int) (int64, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	fields := bytes.Fields(text)
	if err != nil || len(fields) <= field {
		return 0, false
	}
	pages, err := strconv.ParseInt(string(fields[field]), 10, 64)
	return pages * int64(os.Getpagesize()), err == nil
}

// pipeBytes is the most that the kernel lets everyone have in a pipe: with the default of 64 KiB, an original of 1 MB takes
// 16 changes from one process to the other.
const pipeBytes = 1 << 20

// widen has a pipe hold more at a time. Where the system's limit for all pipes is reached, it does not.
func widen(f *os.File) {
	conn, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeBytes) })
}

// endings are the signals that service managers and terminals send to all processes of a service or terminal.
func endings() []os.Signal { return []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP} }

// takeStdout is standard output for the caller alone: what libraries print goes to standard error from then on.
func takeStdout() (*os.File, error) {
	const stdout, stderr = 1, 2
	fd, err := unix.FcntlInt(stdout, unix.F_DUPFD_CLOEXEC, stderr+1)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "responses"), unix.Dup3(stderr, stdout, 0)
}
