package main

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

// output lets write fill the file of that name, or stdout for "-". A file is replaced as a whole: who reads it meanwhile
// sees the old or the new content, and a failure leaves the old one.
func (p *program) output(name string, write func(io.Writer) error) error {
	if name != "-" {
		return writeFile(name, write)
	}
	b := bufio.NewWriter(p.stdout)
	if err := cmp.Or(write(b), b.Flush()); err != nil { // of one failure, both are told
		return fmt.Errorf("write standard output: %w", plainReason(err))
	}
	return nil
}

// writeFile replaces the file of that name by what write writes: into a temporary file beside it, which is then
// renamed. A symbolic link is followed; what is no regular file (a pipe, /dev/null) is written in place.
func writeFile(name string, write func(io.Writer) error) error {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0) //nolint:gosec // whoever runs the program names it
		if err == nil {
			err = cmp.Or(write(f), f.Close())
		}
		return writeError(name, err)
	}
	temp := filepath.Join(filepath.Dir(name), tempName(filepath.Base(name)))
	// Not os.CreateTemp: the result is for others to read, as the umask has it.
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) //nolint:gosec // as above
	if err != nil {
		return writeError(name, err)
	}
	b := bufio.NewWriter(f)
	err = cmp.Or(write(b), b.Flush(), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(temp, name)
	}
	if err != nil {
		return errors.Join(writeError(name, err), os.Remove(temp))
	}
	return nil
}

// tempName is what writeFile calls a file of that name until it is whole.
func tempName(of string) string { return "." + of + "." + rand.Text() + ".tmp" }

// tempPattern matches what tempName makes: rand.Text is 26 digits of base32.
var tempPattern = regexp.MustCompile(`^\.(.+)\.[A-Z2-7]{26}\.tmp$`)

// tempOf is tempName's inverse, for who removes what a program left that was killed.
func tempOf(name string) (of string, ok bool) {
	m := tempPattern.FindStringSubmatch(name)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// writeError says why the file of that name was not written. The temporary file that err may name is nothing that the
// user knows of. nil stays nil.
func writeError(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("write %s: %w", name, plainReason(err))
}
