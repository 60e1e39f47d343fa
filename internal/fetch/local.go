package fetch

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dd8bf596/cutline/internal/source"
)

// checkName refuses names that are no picture's (source.Withheld).
func checkName(name string) error {
	if why, withheld := source.Withheld(name); withheld {
		return fmt.Errorf("%w: %s", ErrNotFound, why)
	}
	return nil
}

// local brings a file of the site folder. os.Root keeps every path inside it, symbolic links included; a link's target must
// be a picture's by its own name too, or "s.jpg" could show ".env".
func (f *Fetcher) local(src source.Source, prior Validators) (*Original, error) {
	name, err := resolveLinks(f.site, src.Path())
	if err != nil {
		return nil, openError(err)
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	file, info, err := openPlain(f.site, name)
	if err != nil {
		return nil, openError(err)
	}
	defer file.Close()
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: not a regular file", ErrNotFound)
	}
	if info.Size() == 0 {
		return nil, fmt.Errorf("%w: empty file", ErrBroken)
	}
	original := &Original{
		Validators: fileValidators(info),
		Modified:   info.ModTime(),
		Freshness:  Freshness{Explicit: true}, // fresh for no time: asking again costs one stat
		From:       src,
	}
	if prior == original.Validators {
		original.NotModified = true
		return original, nil
	}
	if info.Size() > f.maxBytes {
		return nil, fmt.Errorf("%w: %d bytes of at most %d", ErrTooLarge, info.Size(), f.maxBytes)
	}
	original.Body, err = readFile(file, info)
	if err != nil {
		return nil, err
	}
	return original, nil
}

// maxLinks is how many symbolic links one name may lead through, as Linux has it (path_resolution(7)).
const maxLinks = 40

// resolveLinks returns the name under root that name has without symbolic links. Absolute links and those that leave root
// are errors, as they are to os.Root.
func resolveLinks(root *os.Root, name string) (string, error) {
	done, rest := ".", name // done has no link in it, so ".." behind it is its parent
	for links := 0; rest != ""; {
		part, tail, _ := strings.Cut(rest, "/")
		next := path.Join(done, part)
		info, err := root.Lstat(next) // of "..", the error that os.Root has for it
		if err != nil {
			return "", err
		}
		if info.Mode().Type() != os.ModeSymlink {
			done, rest = next, tail
			continue
		}
		to, err := root.Readlink(next)
		if err != nil {
			return "", err
		}
		if links++; links > maxLinks || filepath.IsAbs(to) {
			return "", fmt.Errorf("%s: a link that leads nowhere in the site", next)
		}
		rest = filepath.ToSlash(to)
		if tail != "" {
			rest += "/" + tail
		}
	}
	return done, nil
}

// errSwapped is a name that became a link, or another file, while it was opened.
var errSwapped = errors.New("changed while it was opened")

// openPlain opens the file of that name under root, through no symbolic link. os.Root follows those that stay inside, so that a
// folder or a file that is swapped for a link after resolveLinks looked at it would lead to what no picture's name leads to. Each
// step is therefore from an open folder, to what has the same inode as what had the name and was no link.
func openPlain(root *os.Root, name string) (file *os.File, info os.FileInfo, err error) {
	dir := root
	defer func() {
		if dir != root {
			_ = dir.Close() // only read
		}
	}()
	for {
		part, rest, more := strings.Cut(name, "/")
		seen, err := dir.Lstat(part)
		if err != nil {
			return nil, nil, err
		}
		if !more {
			return openSeen(dir, part, seen)
		}
		sub, err := dir.OpenRoot(part)
		if err != nil {
			return nil, nil, err
		}
		if dir != root {
			_ = dir.Close() // only read
		}
		dir, name = sub, rest
		if opened, err := dir.Stat("."); err != nil || !os.SameFile(opened, seen) {
			return nil, nil, errors.Join(errSwapped, err)
		}
	}
}

// openSeen opens a file of dir, if it is the one that Lstat saw. A link is none that can be opened: its target is another file.
func openSeen(dir *os.Root, name string, seen os.FileInfo) (*os.File, os.FileInfo, error) {
	// Opening a FIFO that nobody writes to would block for ever without O_NONBLOCK, which regular files ignore.
	file, err := dir.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err != nil || !os.SameFile(info, seen) {
		return nil, nil, errors.Join(errSwapped, err, file.Close())
	}
	return file, info, nil
}

// readFile reads exactly what info described: a file that is being written is not a picture yet.
func readFile(file *os.File, info os.FileInfo) ([]byte, error) {
	body := make([]byte, info.Size())
	if _, err := io.ReadFull(file, body); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrBroken, err)
	}
	after, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrBroken, err)
	}
	if fileValidators(after) != fileValidators(info) {
		return nil, fmt.Errorf("%w: the file changed while it was read", ErrBroken)
	}
	return body, nil
}

// fileValidators tell one version of a file from the next: size and modification time in nanoseconds.
func fileValidators(info os.FileInfo) Validators {
	return Validators{
		ETag:         fmt.Sprintf(`"%x-%x"`, info.Size(), info.ModTime().UnixNano()),
		LastModified: info.ModTime().UTC().Format(http.TimeFormat),
	}
}

// openError tells a file that is not there, or not inside the site, from a machine that cannot open any.
func openError(err error) error {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.EIO) {
		return fmt.Errorf("%w: %v", ErrBroken, err)
	}
	return fmt.Errorf("%w: %v", ErrNotFound, err)
}
