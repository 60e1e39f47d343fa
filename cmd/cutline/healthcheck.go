package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// healthTime is how long healthcheck waits by default: readiness takes half a second where the cache folder does not answer.
const healthTime = 3 * time.Second

// maxHealth bounds what is read of an answer in bytes: a line.
const maxHealth = 4 << 10

// A checkup is how healthcheck asks.
type checkup struct {
	live    bool
	timeout time.Duration
	url     string // "" is that of the configuration
}

func (p *program) healthcheckCommand() *cobra.Command {
	var how checkup
	cmd := &cobra.Command{
		Use:     "healthcheck [DIR]",
		GroupID: groupOther,
		Short:   "Ask a running server whether it is well, for containers",
		Long: `Asks the server of this machine whether it is ready for requests (/readyz), or, with
--live, whether it lives (/livez), and prints its answer in one line. Images without
curl and shell have their health checked by it.

The address is that of listen in DIR/` + configName + ` and the environment, on this machine where
it is of all addresses; --listen and --url take another one. Give this command the DIR and
the --listen that 'serve' has.

A server that is degraded is well: it serves pictures, and another one would be no better.
The exit code is 0 when the server is well, 1 when it is not or does not answer in time.`,
		Example: `  cutline healthcheck
  cutline healthcheck --live --timeout 1s
  cutline healthcheck --url http://127.0.0.1:9000/readyz`,
		Args:              oneSite,
		ValidArgsFunction: siteCompletion,
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := p.healthURL(cmd, args, how)
			if err != nil {
				return err
			}
			said, err := askHealth(cmd.Context(), at, how.timeout)
			if err != nil {
				return err
			}
			return p.output("-", func(w io.Writer) error { _, err := fmt.Fprintln(w, said); return err })
		},
	}
	cmd.Flags().BoolVar(&how.live, "live", false, "ask whether it lives, rather than whether it is ready")
	cmd.Flags().DurationVar(&how.timeout, "timeout", healthTime, "wait for an answer for `DURATION`")
	cmd.Flags().StringVar(&how.url, "url", "", "ask `URL`, whatever the configuration says")
	settingFlags(cmd, "listen")
	return cmd
}

// healthURL is where to ask.
func (p *program) healthURL(cmd *cobra.Command, args []string, how checkup) (string, error) {
	if how.timeout <= 0 {
		return "", &usageError{fmt.Errorf("--timeout: expected a time above 0 (got %s)", how.timeout)}
	}
	if how.url != "" {
		u, err := url.Parse(how.url)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			return "", &usageError{fmt.Errorf("--url: expected a URL such as http://127.0.0.1:8080/readyz (got %q)", maskPasswords(how.url))}
		}
		if u.Path == "" || u.Path == "/" {
			u.Path = how.path()
		}
		return u.String(), nil
	}
	conf, err := p.loadConfig(cmd, siteDir(args))
	if err != nil {
		return "", err
	}
	if _, port, err := net.SplitHostPort(conf.Listen); err == nil && port == "0" {
		return "", &usageError{errors.New("listen takes any free port, which nobody else knows: --url says where the server is")}
	}
	return "http://" + dialled(conf.Listen) + how.path(), nil
}

// path is what is asked for.
func (c checkup) path() string {
	if c.live {
		return "/livez"
	}
	return "/readyz"
}

// askHealth returns the line that a server answers with, or, where it is not well, an error that has it. It goes there directly, whatever
// proxy the environment names.
func askHealth(ctx context.Context, at string, limit time.Duration) (said string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return "", &usageError{err}
	}
	client := http.Client{
		Timeout: limit, Transport: &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a server that is well does not send away
	}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	timeout, _ := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "", fmt.Errorf("nothing listens on %s", req.URL.Host)
	case timeout != nil && timeout.Timeout():
		return "", fmt.Errorf("no answer from %s within %s", req.URL.Host, limit)
	case err != nil:
		return "", fmt.Errorf("ask %s: %w", req.URL.Host, cmp.Or(errors.Unwrap(err), err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxHealth))
	if err != nil {
		return "", fmt.Errorf("ask %s: %w", req.URL.Host, err)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	line = printable(line)
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %d: %s", req.URL.Host, resp.StatusCode, cmp.Or(line, "nothing"))
	}
	return line, nil
}
