package fetch

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/dd8bf596/cutline/internal/source"
)

// otherFiles are extensions of what a site folder holds beside pictures. Files without an extension and with an unknown
// one are read: transform looks at their first bytes.
var otherFiles = strings.Fields(`
	md markdown mdx html htm xhtml njk liquid ejs pug hbs haml slim erb astro vue svelte rst adoc org tex txt rtf
	css scss sass less js mjs cjs jsx ts tsx map wasm json jsonc json5 ndjson yaml yml toml xml rss atom csv tsv ini cfg conf
	env properties lock sum mod go rb py php pl sh bash zsh fish ps1 bat cmd java kt c h cc cpp rs swift sql db sqlite sqlite3
	pem key crt cer p12 pfx jks asc gpg pub kdbx htpasswd htaccess log bak old orig swp tmp dump
	zip tar gz tgz bz2 xz zst 7z rar pdf doc docx xls xlsx ppt pptx odt ods odp epub
	mp3 m4a ogg oga flac wav mp4 m4v mov webm mkv avi woff woff2 ttf otf eot exe dll so dylib`)

// checkName refuses names that are no picture's: hidden files and folders (".git/config", ".env") and otherFiles.
func checkName(name string) error {
	for segment := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(segment, ".") {
			return fmt.Errorf("%w: hidden file or folder", ErrNotFound)
		}
	}
	ext := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	if slices.Contains(otherFiles, ext) {
		return fmt.Errorf("%w: .%s is no picture's extension", ErrNotFound, ext)
	}
	return nil
}

// local brings a file of the site folder. os.Root keeps every path inside it, symbolic links included.
func (f *Fetcher) local(src source.Source, prior Validators) (*Original, error) {
	// Opening a FIFO that nobody writes to would block for ever without O_NONBLOCK, which regular files ignore.
	file, err := f.site.OpenFile(src.Path(), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, openError(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrBroken, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: not a regular file", ErrNotFound)
	}
	original := &Original{
		Validators: fileValidators(info),
		Modified:   info.ModTime(),
		Explicit:   true, // fresh for no time: asking again costs one stat
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
