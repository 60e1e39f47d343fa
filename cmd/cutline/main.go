// Command cutline scans a site's posts for featured images, checks their words, and serves the pictures resized,
// re-encoded and cached, with the words in the headers.
//
// Everything is put together here: the verbs, one file each, the configuration, and the wiring of the packages. Nothing
// imports this package, and it decides nothing about pictures, posts or HTTP.
package main

import (
	"os"
)

func main() {
	ctx, stop := untilSignal()
	defer stop()
	p := program{stdout: os.Stdout, stderr: os.Stderr, env: os.Environ()}
	os.Exit(p.run(ctx, os.Args[1:]))
}
