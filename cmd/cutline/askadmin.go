package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

const (
	// adminTime is longer than a server takes for a purge of everything.
	adminTime = 3 * time.Minute
	// maxAnswer bounds an answer in bytes: a hundred thousand sources.
	maxAnswer = 64 << 20
)

// adminConfig is the configuration of a command that asks the admin listener.
func (p *program) adminConfig(cmd *cobra.Command, args []string) (*effective, error) {
	conf, err := p.loadConfig(cmd, siteDir(args))
	if err == nil && conf.Admin == adminOff {
		err = &usageError{errors.New("admin is off in the configuration; --admin takes the address of the server's admin listener")}
	}
	return conf, err
}

// checkAdminFormat refuses an unknown format of what is printed.
func checkAdminFormat(format string) error {
	if format != "text" && format != "json" && format != "keys" {
		return &usageError{fmt.Errorf("unknown format %q: expected text, json or keys", format)}
	}
	return nil
}

// writeKeys prints what to purge at a CDN, one key a line, for a pipe to whatever tells the CDN.
func writeKeys(w io.Writer, keys []string) error {
	for _, key := range keys {
		if _, err := fmt.Fprintln(w, key); err != nil {
			return err
		}
	}
	return nil
}

// askAdmin posts wish, or nothing for nil, to a path of conf's admin listener, and reads the answer into result. Where there is none,
// the error says why, in the server's words. It goes there directly, whatever proxy the environment names.
func askAdmin(ctx context.Context, conf *effective, path string, wish, result any) (answer []byte, status int, err error) {
	post, err := adminRequest(ctx, conf, path, wish)
	if err != nil {
		return nil, 0, err
	}
	client := http.Client{
		Timeout: adminTime, Transport: &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token is for nobody else
	}
	defer client.CloseIdleConnections()
	resp, err := client.Do(post)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, 0, fmt.Errorf("nothing listens on %s: is 'cutline serve' running? --admin names its admin listener", conf.Admin)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("ask %s: %w", conf.Admin, cmp.Or(errors.Unwrap(err), err))
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, 0, fmt.Errorf("ask %s: %w", conf.Admin, err)
	}
	var refusal struct {
		Error string `json:"error"`
	}
	switch err := errors.Join(json.Unmarshal(answer, &refusal), json.Unmarshal(answer, result)); {
	case err != nil:
		return nil, 0, notCutline(conf, resp.StatusCode)
	case resp.StatusCode == http.StatusUnauthorized && conf.adminToken == "":
		return nil, 0, errors.New("the server wants an admin token: set CUTLINE_KEYS to admin: and the token")
	case resp.StatusCode == http.StatusUnauthorized:
		return nil, 0, errors.New("the server has another admin token than CUTLINE_KEYS or keys")
	case refusal.Error != "":
		return nil, 0, errors.New(refusal.Error)
	}
	return answer, resp.StatusCode, nil
}

func adminRequest(ctx context.Context, conf *effective, path string, wish any) (*http.Request, error) {
	var body []byte
	if wish != nil {
		var err error
		if body, err = json.Marshal(wish); err != nil {
			return nil, err
		}
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+dialled(conf.Admin)+path, bytes.NewReader(body))
	if err != nil {
		return nil, &usageError{fmt.Errorf("admin: %w", err)}
	}
	post.Header.Set("Content-Type", "application/json")
	if conf.adminToken != "" {
		post.Header.Set("Authorization", "Bearer "+conf.adminToken)
	}
	return post, nil
}

func notCutline(conf *effective, status int) error {
	return fmt.Errorf("%s does not answer as cutline's admin listener does (status %d)", conf.Admin, status)
}

// dialled is where to dial a listener's address: one without host, or of all addresses, is on this machine. Not by the name
// localhost, which containers without /etc/hosts do not have.
func dialled(address string) string {
	host, port, err := net.SplitHostPort(address)
	switch ip := net.ParseIP(host); {
	case err != nil:
		return address
	case host == "" || ip.Equal(net.IPv4zero):
		return net.JoinHostPort("127.0.0.1", port)
	case ip.Equal(net.IPv6unspecified):
		return net.JoinHostPort("::1", port)
	}
	return address
}
