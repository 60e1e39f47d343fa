package catalog

import (
	"io/fs"
	"syscall"
)

// inode is what tells two files of one size and date apart: the inode, and when it was last changed, which no program sets.
func inode(info fs.FileInfo) (number uint64, changed int64) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino, st.Ctim.Nano()
	}
	return 0, 0
}
