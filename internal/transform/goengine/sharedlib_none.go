//go:build (!unix && !windows) || nodynamic

package goengine

// sharedWebP and sharedAVIF are never asked: without a loader, no shared library is in use.
func sharedWebP() library { return library{} }

func sharedAVIF() library { return library{} }
