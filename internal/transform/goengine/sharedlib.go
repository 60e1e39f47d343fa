//go:build (unix || windows) && !nodynamic

package goengine

import (
	"fmt"

	"github.com/ebitengine/purego"
)

// sharedWebP asks the libwebp that was loaded for its version.
func sharedWebP() library {
	l := library{name: webpName, version: "unknown"}
	var encoderVersion func() int32
	if bind(webpName, "WebPGetEncoderVersion", &encoderVersion) {
		v := encoderVersion()
		l.version = fmt.Sprintf("%d.%d.%d", v>>16&0xff, v>>8&0xff, v&0xff)
	}
	return l
}

// sharedAVIF asks the libavif that was loaded for its version.
func sharedAVIF() library {
	l := library{name: avifName, version: "unknown"}
	var version func() string
	if bind(avifName, "avifVersion", &version) {
		l.version = version()
	}
	return l
}

// bind makes fn a function of a library that the process has loaded, and reports whether it has it.
func bind(library, name string, fn any) (ok bool) {
	handle, err := openShared(library)
	if err != nil {
		return false
	}
	defer func() { ok = recover() == nil }() // purego panics where there is no such function
	purego.RegisterLibFunc(fn, handle, name)
	return true
}
