package watch

import "syscall"

// far reports whether path is on a file system into which others may write without this machine's kernel taking part: inotify(7) tells
// nothing of that. The numbers are those of statfs(2); FUSE is among them for sshfs and for what shares folders with virtual machines.
func far(path string) bool {
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err != nil {
		return false
	}
	switch uint32(st.Type) { //nolint:gosec // 32 bits whatever the machine's word
	case 0x6969, // NFS
		0x517b, 0xfe534d42, 0xff534d42, // SMB
		0x01021997, // 9P: folders of Windows in WSL 2
		0x65735546, // FUSE
		0x5346414f, // AFS
		0x00c36400, // Ceph
		0x786f4256, // VirtualBox
		0xbacbacbc: // VMware
		return true
	}
	return false
}
