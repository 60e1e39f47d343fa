package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/dd8bf596/cutline/internal/catalog"
)

// fix mends what problems say how to mend, a post at a time, or with --dry-run prints what that would change. What cannot be
// mended is said and left alone. changed reports whether a post was written.
func (p *program) fix(s *site, problems []catalog.Problem, o lintOptions) (changed bool, err error) {
	mender, err := catalog.NewMender(s.root, s.catalogOptions(withDrafts))
	if err != nil {
		return false, &usageError{fmt.Errorf("site folder %q: %w", s.dir, err)}
	}
	var diffs bytes.Buffer
	mended := 0
	for _, found := range fixes(problems) {
		before, after, err := mend(s.root, mender, found)
		if err == nil && !o.dryRun {
			err = replacePost(s.root, found.File, before, after)
		}
		if err != nil {
			p.say("%s: not mended: %s", printable(found.File), printable(maskPasswords(plainReason(err).Error())))
			continue
		}
		mended++
		diffs.WriteString(shownDiff(found.File, before, after))
	}
	if o.dryRun {
		p.say("%s would be mended", count(mended, "post"))
		return false, p.output(o.out, func(w io.Writer) error { _, err := diffs.WriteTo(w); return err })
	}
	p.say("%s mended", count(mended, "post"))
	return mended > 0, nil
}

// fixes are the problems that can be mended, one of each post: there is one featured image, and what takes a wrapper off does
// everything else on the way.
func fixes(problems []catalog.Problem) []catalog.Problem {
	var found []catalog.Problem
	for _, each := range problems {
		if each.Fix == "" {
			continue
		}
		i := slices.IndexFunc(found, func(f catalog.Problem) bool { return f.File == each.File })
		switch {
		case i < 0:
			found = append(found, each)
		case each.Unwraps():
			found[i] = each
		}
	}
	return found
}

// maxPost bounds a post that is mended, in bytes. Its front matter is 1 MiB at most.
const maxPost = 64 << 20

// mend reads a post and mends it in memory.
func mend(root *os.Root, mender *catalog.Mender, found catalog.Problem) (before, after []byte, err error) {
	if before, err = readPost(root, found.File); err != nil {
		return nil, nil, err
	}
	after, err = mender.Mend(found.File, before, found)
	return before, after, err
}

func readPost(root *os.Root, name string) ([]byte, error) {
	info, err := root.Stat(name) // before it is opened: a pipe would be waited for
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxPost {
		return nil, fmt.Errorf("expected a file of at most %s", formatBytes(maxPost))
	}
	return root.ReadFile(name)
}

// maxLinks bounds the symbolic links that lead to a post.
const maxLinks = 16

// replacePost replaces the post's file by after, if it is before still: into a temporary file beside it, which is then renamed.
// Rights and owner stay. A symbolic link is followed as long as it stays in the site, and stays a link.
func replacePost(root *os.Root, name string, before, after []byte) (err error) {
	for range maxLinks {
		target, err := root.Readlink(name)
		if err != nil {
			break // no link
		}
		if path.IsAbs(target) {
			return fmt.Errorf("%w: it is a link that leaves the site", catalog.ErrLeft)
		}
		name = path.Join(path.Dir(name), target)
	}
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: expected a file", catalog.ErrLeft)
	}
	if info.Mode().Perm()&0o222 == 0 {
		return fmt.Errorf("%w: it is read-only", catalog.ErrLeft)
	}
	temp := path.Join(path.Dir(name), "."+path.Base(name)+"."+rand.Text()+".tmp")
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, root.Remove(temp))
		}
	}()
	_, err = f.Write(after)
	for _, step := range []func() error{func() error { return keepOwner(f, info) }, func() error { return f.Chmod(info.Mode().Perm()) }, f.Sync} {
		if err == nil {
			err = step()
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if now, err := root.ReadFile(name); err != nil || !bytes.Equal(now, before) {
		return errors.Join(fmt.Errorf("%w: somebody changed it meanwhile", catalog.ErrLeft), err)
	}
	return root.Rename(temp, name)
}

// shownDiff is a unified diff, which patch and git take, with as much of what stands around the change as may be shown: lines
// that could command a terminal or hold a password are left out, and made harmless where they are the change itself.
func shownDiff(name string, before, after []byte) string {
	old, edited := string(before), string(after)
	edits := udiff.Strings(old, edited)
	var text string
	for _, around := range [...]int{udiff.DefaultContextLines, 0} {
		diff, err := udiff.ToUnified("a/"+name, "b/"+name, old, edits, around)
		if err != nil { // the edits are of these very texts
			return ""
		}
		text = diff
		if harmless(text) == text {
			break
		}
	}
	return harmless(text)
}

func harmless(diff string) string {
	lines := strings.SplitAfter(diff, "\n")
	for i, line := range lines {
		body := strings.TrimRight(line, "\r\n")
		shown := strings.Split(body, "\t")
		for j := range shown {
			shown[j] = printable(shown[j])
		}
		lines[i] = maskPasswords(strings.Join(shown, "\t")) + line[len(body):]
	}
	return strings.Join(lines, "")
}
