package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dd8bf596/cutline/internal/sign"
)

func (p *program) signCommand() *cobra.Command {
	var exp, key string
	var verify bool
	cmd := &cobra.Command{
		Use:     "sign URL-PATH [DIR]",
		GroupID: groupSite,
		Short:   "Sign an address, or check a signature",
		Long: `Prints an address with a signature behind it. Signed addresses are open to everybody who has
them: any size and quality, exactly as asked for, and pictures that no post shows.

URL-PATH is what a browser asks for: percent-encoded, with its query, with scheme and host
or without; these are not signed. What is signed is the path with its query, to the byte:
the parameter s is its HMAC-SHA256 in base64url without padding. In a shell:

  printf %s "$P" | openssl dgst -sha256 -hmac "$KEY" -binary | base64 | tr '/+' _- | tr -d =

The key is the first of keys in DIR/` + configName + ` or CUTLINE_KEYS; make one with
'openssl rand -base64 32'. With two, both are accepted, so that a new one can be put before
an old one.

--verify says whether a signature is right, and what had to be signed where it is not.
The exit code is 1 then.`,
		Example: `  cutline sign /p/2023-09-18-kim/w900-h500-cover-q80.webp
  cutline sign --exp 48h '/https%3A%2F%2Fimages.example.org%2Fa.jpg?w=900'
  cutline sign --verify 'https://img.example.org/p/kim/w900-q80.webp?s=…'`,
		Args:              signArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if verify && exp != "" {
				return &usageError{errors.New("--verify signs nothing that --exp could end: expected one of them")}
			}
			origin, target := splitOrigin(args[0])
			end, err := parseEnd(exp, time.Now())
			if err != nil {
				return &usageError{fmt.Errorf("--exp: %w", err)}
			}
			keys, token, err := p.signKeys(cmd, siteDir(args[1:]), key)
			if err != nil {
				return err
			}
			if verify {
				return p.verify(keys, token, origin, target)
			}
			return p.sign(keys, origin, target, end)
		},
	}
	f := cmd.Flags()
	f.StringVar(&exp, "exp", "", "void from `WHEN` on: 48h or 30d from now, 2027-01-31 (UTC), 2027-01-31T12:00:00Z, seconds since 1970")
	f.StringVar(&key, "key", "", "sign by `KEY`, or file:PATH, and not by those of the configuration; others see a command line's KEY")
	f.BoolVar(&verify, "verify", false, "check the signature of URL-PATH")
	settingFlags(cmd)
	return cmd
}

func signArgs(_ *cobra.Command, args []string) error {
	if len(args) == 0 || len(args) > 2 {
		return &usageError{fmt.Errorf("expected an address such as /p/2023-09-18-kim/w900-q80.webp, and at most a site folder behind it (got %d arguments)",
			len(args))}
	}
	return nil
}

// splitOrigin takes scheme and host off a URL; of a path they are "".
func splitOrigin(address string) (origin, target string) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok || scheme != "http" && scheme != "https" {
		return "", address
	}
	host, _, _ := strings.Cut(rest, "/")
	origin = scheme + "://" + host
	return origin, address[len(origin):]
}

// parseEnd reads --exp, relative to now; the zero time is never.
func parseEnd(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	end, err := parseWhen(text, now)
	if err != nil {
		return time.Time{}, fmt.Errorf("expected 48h, 30d, 2027-01-31, 2027-01-31T12:00:00Z or seconds since 1970 (got %q)", text)
	}
	if !end.After(now) {
		return time.Time{}, fmt.Errorf("%s is past", end.UTC().Format(time.RFC3339))
	}
	return end, nil
}

func parseWhen(text string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return now.Add(time.Duration(n) * 24 * time.Hour), err
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(n, 0), nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(d), nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, text)
}

// signKeys are those of --key, or else of the configuration.
func (p *program) signKeys(cmd *cobra.Command, dir, key string) (sign.Keys, sign.Token, error) {
	if key == "" {
		conf, err := p.loadConfig(cmd, dir)
		if err != nil {
			return sign.Keys{}, "", err
		}
		return conf.signKeys, conf.imgixToken, nil
	}
	text := key
	if path, isFile := strings.CutPrefix(key, keyFile); isFile {
		var err error
		if text, err = readSecret(path); err != nil {
			return sign.Keys{}, "", &usageError{fmt.Errorf("--key: %s: %w", path, err)}
		}
	}
	keys, err := sign.NewKeys(text)
	if err != nil {
		return sign.Keys{}, "", &usageError{fmt.Errorf("--key: %w", errors.Unwrap(err))}
	}
	return keys, "", nil
}

// errNoKeys is what both ways of cutline sign say without a key.
var errNoKeys = errors.New("no key: put one into CUTLINE_KEYS, or name its file by keys: [file:PATH] in " + configName +
	"; 'openssl rand -base64 32' makes one")

func (p *program) sign(keys sign.Keys, origin, target string, end time.Time) error {
	signed, err := keys.Sign(target, end)
	switch {
	case errors.Is(err, sign.ErrNoKey):
		return &usageError{errNoKeys}
	case err != nil:
		return &usageError{err}
	}
	return p.output("-", func(w io.Writer) error {
		_, err := fmt.Fprintln(w, origin+signed)
		return err
	})
}

// verify prints whether the signature is right, as the server would judge it.
func (p *program) verify(keys sign.Keys, token sign.Token, origin, target string) error {
	check, by := keys.Verify, "key"
	dialect := !strings.HasPrefix(target, "/i/") && !strings.HasPrefix(target, "/p/")
	if dialect && token != "" && sign.OfImgix(target) {
		check, by = token.Verify, "the imgix token"
	} else if keys.Len() == 0 {
		return &usageError{errNoKeys}
	}
	message, _ := sign.Message(target)
	g, err := check(target, time.Now())
	switch {
	case errors.Is(err, sign.ErrNone):
		return fmt.Errorf("no signature: expected s as the last parameter of\n  %s", target)
	case errors.Is(err, sign.ErrExpired):
		return fmt.Errorf("expired on %s; signed was\n  %s", g.Expires.UTC().Format(time.RFC3339), message)
	case errors.Is(err, sign.ErrWrong):
		return wrongSignature(keys, by, origin, target, message)
	case err != nil:
		return fmt.Errorf("%w; signed was\n  %s", err, message)
	}
	return p.output("-", func(w io.Writer) error {
		if by == "key" {
			by += " " + strconv.Itoa(g.Key+1)
		}
		until := "for ever"
		if !g.Expires.IsZero() {
			until = "until " + g.Expires.UTC().Format(time.RFC3339)
		}
		_, err := fmt.Fprintf(w, "valid %s, by %s\n", until, by)
		return err
	})
}

// wrongSignature names the text that had to be signed, and what was signed in its place where that can be told.
func wrongSignature(keys sign.Keys, by, origin, target, message string) error {
	if by != "key" {
		return fmt.Errorf("wrong signature: s has to be the MD5, in lower-case hexadecimal digits, of the imgix token with this behind it:\n  %s",
			message)
	}
	text := fmt.Sprintf("wrong signature: s has to be the HMAC-SHA256, in base64url without padding, of\n  %s\n", message)
	if why := keys.Explain(origin, target); why != "" {
		return errors.New(text + why)
	}
	if sign.OfImgix(target) {
		return errors.New(text + "it looks like one of imgix's, which are taken at /{source} alone, with imgix:TOKEN among keys")
	}
	return errors.New(text + "it is of another address, or by another key than the " + count(keys.Len(), "key") + " here")
}
