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
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/dd8bf596/cutline/proxy"
)

func (p *program) purgeCommand() *cobra.Command {
	var req proxy.PurgeRequest
	var format string
	cmd := &cobra.Command{
		Use:     "purge [DIR]",
		GroupID: groupSite,
		Short:   "Make a running server forget pictures, or take them down",
		Long: `Tells the 'cutline serve' of this machine, or the one at --admin, to forget pictures in all
tiers of its cache: the next reader has them fetched anew. With --gone they are taken
down: every address of them answers 410, over restarts too, until --restore or a purge
without --gone.

What is named, by exactly one flag, are originals. All posts that show an original are
affected, whatever their words. --host and --all mean the originals of posts; others, of
the hosts in fetch.hosts, are purged by --source.

A CDN in front keeps copies of its own. What to purge there, by Surrogate-Key or
Cache-Tag, is printed.

The address is that of admin in DIR/` + configName + ` and the environment. A token comes from
CUTLINE_ADMIN_TOKEN, or from admin_token in that file. The exit code is 1 when nothing
is known by the name, or something could not be purged.`,
		Example: `  cutline purge --source https://origin.example/fox.jpg
  cutline purge --post 2023-09-18-kim --gone
  cutline purge --host origin.example --format json`,
		Args:              oneSite,
		ValidArgsFunction: siteCompletion,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkPurge(&req, format); err != nil {
				return &usageError{err}
			}
			conf, err := p.loadConfig(cmd, siteDir(args))
			if err != nil {
				return err
			}
			if conf.Admin == adminOff {
				return &usageError{errors.New("admin is off in the configuration; --admin takes the address of the server's admin listener")}
			}
			return p.purge(cmd.Context(), conf, &req, format)
		},
	}
	f := cmd.Flags()
	f.StringVar(&req.Source, "source", "", "the original at `URL`, or a path under the site root")
	f.StringVar(&req.Post, "post", "", "the picture of `POST`: its path under the site root, its file name, or its slug")
	f.StringVar(&req.ID, "id", "", "the picture with `ID`, as in /i/ID/hero.webp")
	f.StringVar(&req.Host, "host", "", "the pictures of `HOST`; *.example.org is every host below example.org")
	f.BoolVar(&req.All, "all", false, "every picture that a post shows")
	f.BoolVar(&req.Gone, "gone", false, "take down: answer 410 from here on")
	f.BoolVar(&req.Restore, "restore", false, "undo --gone, and leave alone what was not taken down")
	f.StringVar(&format, "format", "text", "`FORMAT` of the output: text or json")
	settingFlags(cmd, "admin")
	choice(cmd, "format", "text", "json")
	return cmd
}

// checkPurge refuses what the server would refuse.
func checkPurge(req *proxy.PurgeRequest, format string) error {
	if format != "text" && format != "json" {
		return fmt.Errorf("unknown format %q: expected text or json", format)
	}
	return req.Check()
}

// purge asks the admin listener and prints what it says.
func (p *program) purge(ctx context.Context, conf *effective, req *proxy.PurgeRequest, format string) error {
	answer, status, err := askAdmin(ctx, conf, req)
	if err != nil {
		return err
	}
	var result struct {
		proxy.PurgeResult
		Error string `json:"error"`
	}
	if err := json.Unmarshal(answer, &result); err != nil {
		return fmt.Errorf("%s does not answer as cutline's admin listener does (status %d)", conf.Admin, status)
	}
	switch {
	case status == http.StatusUnauthorized && conf.AdminToken == "":
		return errors.New("the server wants an admin token: set CUTLINE_ADMIN_TOKEN to it")
	case status == http.StatusUnauthorized:
		return errors.New("the server has another admin token than CUTLINE_ADMIN_TOKEN or admin_token")
	case result.Error != "":
		return errors.New(result.Error)
	case result.How == "":
		return fmt.Errorf("%s does not answer as cutline's admin listener does (status %d)", conf.Admin, status)
	}
	err = p.output("-", func(w io.Writer) error {
		if format == "json" {
			_, err := w.Write(answer)
			return err
		}
		return writePurged(w, &result.PurgeResult)
	})
	if err == nil && result.Failed > 0 {
		p.say("cutline: %s could not be purged", count(result.Failed, "source"))
		return errFindings
	}
	return err
}

// writePurged prints r for people.
func writePurged(w io.Writer, r *proxy.PurgeResult) error {
	var b strings.Builder
	for _, src := range r.Sources {
		if src.Error != "" {
			fmt.Fprintf(&b, "not purged  %s: %s\n", maskPasswords(src.Source), maskPasswords(src.Error))
			continue
		}
		fmt.Fprintf(&b, "%-10s  %s\n", r.How, maskPasswords(src.Source))
	}
	if len(r.SurrogateKeys) > 0 {
		fmt.Fprintf(&b, "\nA CDN in front has to be purged too, by Surrogate-Key or Cache-Tag:\n%s\n", strings.Join(r.SurrogateKeys, " "))
	}
	if r.Note != "" {
		fmt.Fprintf(&b, "\nNote: %s.\n", r.Note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

const (
	// adminTime is longer than a server takes for a purge of everything.
	adminTime = 3 * time.Minute
	// maxAnswer bounds an answer in bytes: a hundred thousand sources.
	maxAnswer = 64 << 20
)

// askAdmin sends req to the admin listener of conf. It goes there directly, whatever proxy the environment names.
func askAdmin(ctx context.Context, conf *effective, req *proxy.PurgeRequest) (answer []byte, status int, err error) {
	body, err := json.Marshal(req)
	if err != nil {
		return nil, 0, err
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+dialled(conf.Admin)+"/purge", bytes.NewReader(body))
	if err != nil {
		return nil, 0, &usageError{fmt.Errorf("admin: %w", err)}
	}
	post.Header.Set("Content-Type", "application/json")
	if conf.AdminToken != "" {
		post.Header.Set("Authorization", "Bearer "+conf.AdminToken)
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
	return answer, resp.StatusCode, nil
}

// dialled is where to dial a listener's address: one without host, or of all addresses, is on this machine.
func dialled(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return address
}
