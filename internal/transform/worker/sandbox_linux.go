package worker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// confineThread takes from the calling thread, and from all processes that it starts, what a worker does not need to start:
// privileges by set-user-ID programs; files but the program and the system's libraries; TCP. It returns the version of
// Landlock; 0 where the kernel has none or a container forbids it.
//
// Signals stay: before Linux 6.15, Landlock's scope for them keeps the threads of one process from interrupting each other,
// which Go's scheduler does. The system calls for them are refused to workers.
func confineThread() (landlock int) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0
	}
	version, err := syscall.LandlockGetABIVersion()
	if err != nil || version < 1 {
		return 0
	}
	rules, err := syscall.LandlockCreateRuleset(ruleset(version), 0)
	if err != nil {
		return 0
	}
	defer func() { _ = unix.Close(rules) }()
	for _, path := range startPaths() {
		allow(rules, path)
	}
	if err := syscall.LandlockRestrictSelf(rules, 0); err != nil {
		return 0
	}
	return version
}

// ruleset is everything that this version of Landlock can forbid and no worker needs.
func ruleset(version int) *syscall.RulesetAttr {
	const (
		files1 = syscall.AccessFSMakeSym<<1 - 1 // all up to it
		tcp    = syscall.AccessNetBindTCP | syscall.AccessNetConnectTCP
	)
	r := &syscall.RulesetAttr{HandledAccessFS: files1}
	if version >= 2 {
		r.HandledAccessFS |= syscall.AccessFSRefer
	}
	if version >= 3 {
		r.HandledAccessFS |= syscall.AccessFSTruncate
	}
	if version >= 4 {
		r.HandledAccessNet = tcp
	}
	if version >= 5 {
		r.HandledAccessFS |= syscall.AccessFSIoctlDev
	}
	if version >= 6 {
		r.Scoped = syscall.ScopeAbstractUnixSocket
	}
	return r
}

// startPaths are what a process is started from: the program, and what its dynamic linker and the loaders of codec libraries
// read. Where libraries are elsewhere, LD_LIBRARY_PATH says so, or the file system's root is one of a package manager's.
func startPaths() []string {
	paths := []string{"/proc/self/exe", "/etc/ld.so.cache", "/nix/store", "/gnu/store"}
	if self, err := os.Executable(); err == nil {
		paths = append(paths, self)
	}
	for _, root := range []string{"/", "/usr", "/usr/local"} {
		libraries, _ := filepath.Glob(filepath.Join(root, "lib*")) // the pattern is sound
		paths = append(paths, libraries...)
	}
	return append(paths, filepath.SplitList(os.Getenv(libraryPath))...)
}

// allow adds a rule for reading and executing what is at or under path. What does not exist needs none.
func allow(rules int, path string) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer func() { _ = unix.Close(fd) }()
	var stat unix.Stat_t
	if unix.Fstat(fd, &stat) != nil {
		return
	}
	rights := uint64(syscall.AccessFSExecute | syscall.AccessFSReadFile)
	if stat.Mode&unix.S_IFMT == unix.S_IFDIR {
		rights |= syscall.AccessFSReadDir
	}
	_ = syscall.LandlockAddPathBeneathRule(rules, &syscall.PathBeneathAttr{AllowedAccess: rights, ParentFd: fd}, 0)
}

// closeSandbox takes from this process, all its threads, whatever a running engine does not need, and verifies that it is
// gone. It never comes back.
func closeSandbox() error {
	for resource, limit := range map[int]uint64{
		unix.RLIMIT_CORE:   0,  // an original is in no file
		unix.RLIMIT_FSIZE:  0,  // nor anything else; pipes are no files
		unix.RLIMIT_NOFILE: 16, // what is open, and what timers need
	} {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("set limit %d: %w", resource, err)
		}
	}
	// Other programs of the same user cannot look into it, nor can it leave a core file.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("be not dumpable: %w", err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	policy, err := calls()
	if err != nil {
		return err
	}
	// TSYNC has all threads take it over.
	if err := seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: *policy}); err != nil {
		return err
	}
	if f, err := os.Open("/"); !errors.Is(err, unix.EPERM) {
		if err == nil {
			_ = f.Close() // nothing was read
		}
		return fmt.Errorf("files can be opened all the same (%v)", err)
	}
	return nil
}

// calls allows the system calls that memory, threads, time and open pipes take, and no other. What is refused fails with
// EPERM and ends nothing: a later Go or C library may try a call that it can do without.
func calls() (*seccomp.Policy, error) {
	machine, err := arch.GetInfo("")
	if err != nil {
		return nil, err
	}
	var known []string
	for _, name := range allowed() {
		if _, ok := machine.SyscallNames[name]; ok { // each architecture has others
			known = append(known, name)
		}
	}
	only := func(name string, o seccomp.Operation, value uint64) seccomp.NameWithConditions {
		return seccomp.NameWithConditions{Name: name, Conditions: seccomp.ArgumentConditions{{Argument: 0, Operation: o, Value: value}}}
	}
	return &seccomp.Policy{DefaultAction: seccomp.ActionErrno, Syscalls: []seccomp.SyscallGroup{
		{Names: known, Action: seccomp.ActionAllow},
		{NamesWithCondtions: []seccomp.NameWithConditions{
			only("clone", seccomp.BitsSet, unix.CLONE_THREAD),      // a thread, no process
			only("tgkill", seccomp.Equal, uint64(os.Getpid())),     //nolint:gosec // to a thread of this process, whose number is positive
			only("prctl", seccomp.Equal, uint64(unix.PR_SET_NAME)), // threads are given names
		}, Action: seccomp.ActionAllow},
		// Its flags are in memory, which no filter can look at. C libraries take clone where there is no clone3.
		{Names: []string{"clone3"}, Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS)},
	}}, nil
}

// allowed are the system calls that an engine at work makes.
func allowed() []string {
	return []string{
		"read", "readv", "write", "writev", "close", "fstat", "fstat64", // the pipes
		"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2", "poll", "ppoll", "fcntl",
		"mmap", "mmap2", "munmap", "mremap", "mprotect", "madvise", "mincore", "brk", "membarrier",
		"futex", "futex_time64", "sched_yield", "sched_getaffinity", "set_robust_list", "rseq", "set_tid_address",
		"nanosleep", "clock_nanosleep", "clock_gettime", "clock_gettime64", "clock_getres", "gettimeofday", "time", "restart_syscall",
		"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn", "sigaltstack",
		"getpid", "gettid", "getrandom", "getrusage", "sysinfo", "exit", "exit_group",
	}
}
