package proxy

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// AdminOptions configures the admin listener's handler. The zero value is for programs of this machine.
type AdminOptions struct {
	Token string // lets in whoever bears it, and nobody else; "" lets in who is on this machine
	// Metrics answers GET /metrics, Profiles GET /debug/pprof/ and all below, to whom may purge; nil has none.
	Metrics, Profiles http.Handler
	Volatile          bool // the cache is in memory only, so that a take-down ends with the program: answers say so
}

// AdminHandler is the handler of the admin listener, which is another than the public one: POST /purge, POST /rescan, GET /metrics, GET
// /debug/pprof/ and GET /livez.
//
// Without a token it is for programs of this machine: the listener must be a loopback address, and what a browser sends on
// behalf of a page is refused, by its Origin, and by its Host where a name was bent to that address. With a token, whoever
// bears it (RFC 6750) is let in, wherever from.
func (s *Server) AdminHandler(o AdminOptions) http.Handler {
	a := &admin{s: s, o: o}
	mux := http.NewServeMux()
	mux.HandleFunc("/purge", a.only(http.MethodPost, a.postPurge))
	mux.HandleFunc("/rescan", a.only(http.MethodPost, a.postRescan))
	mux.HandleFunc("/livez", a.only(http.MethodGet, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "alive\n") // a client that is gone is no error of ours
	}))
	for path, h := range map[string]http.Handler{"/metrics": o.Metrics, "/debug/pprof/": o.Profiles} {
		if h != nil {
			mux.HandleFunc(path, a.only(http.MethodGet, a.admitted(h)))
		}
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, &adminError{http.StatusNotFound, "there is nothing at this address: expected POST /purge, POST /rescan, GET /metrics, GET /debug/pprof/ or GET /livez"})
	})
	return a.safe(mux)
}

// safe sets the headers that every response has, those of the multiplexer's own included. Unlike pictures, these are for no other
// site's pages and scripts.
func (a *admin) safe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h := w.Header()
		setFields(h, a.s.safety)
		h.Set("Cache-Control", "no-store")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Timing-Allow-Origin"} {
			h.Del(name)
		}
		next.ServeHTTP(w, req)
	})
}

// maxAdminBody bounds a request's body in bytes: some sources long.
const maxAdminBody = 64 << 10

// An admin answers the admin listener.
type admin struct {
	s *Server
	o AdminOptions
}

// An adminError is an answer of other than 200. Its text is for whoever asked.
type adminError struct {
	status int
	text   string
}

func (e *adminError) Error() string { return e.text }

// only lets requests of one method through to next.
func (a *admin) only(method string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		if req.Method != method && (method != http.MethodGet || req.Method != http.MethodHead) {
			w.Header().Set("Allow", method)
			refuse(w, &adminError{http.StatusMethodNotAllowed, "expected " + method})
			return
		}
		next(w, req)
	}
}

// postPurge answers POST /purge. Each leaves a line in the log, also where it is refused.
func (a *admin) postPurge(w http.ResponseWriter, req *http.Request) {
	var wish PurgeRequest
	err := a.admit(req)
	if err == nil {
		err = readWish(w, req, &wish)
	}
	var result *PurgeResult
	if err == nil {
		result, err = a.s.purge(req.Context(), &wish)
	}
	if err == nil && wish.Gone && a.o.Volatile {
		result.Note = "the cache is in memory only: what was taken down is back when the server starts again"
	}
	a.audit(req, &wish, result, err)
	if err != nil {
		a.refuse(w, err)
		return
	}
	status := http.StatusOK
	if result.Failed > 0 {
		status = http.StatusInternalServerError
	}
	writeAdmin(w, status, result)
}

// refuse is refuse; where the token is missing, with what to bring.
func (a *admin) refuse(w http.ResponseWriter, err error) {
	if refusal, ok := errors.AsType[*adminError](err); ok && refusal.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="cutline"`)
	}
	refuse(w, err)
}

// admitted lets who may ask for more than a sign of life through to h.
func (a *admin) admitted(h http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		if err := a.admit(req); err != nil {
			a.refuse(w, err)
			return
		}
		h.ServeHTTP(w, req)
	}
}

// admit returns nil for who may ask for more than a sign of life.
func (a *admin) admit(req *http.Request) error {
	if a.o.Token != "" {
		// Hashed first, so that the comparison takes as long for any length.
		scheme, given, _ := strings.Cut(req.Header.Get("Authorization"), " ")
		want, got := sha256.Sum256([]byte(a.o.Token)), sha256.Sum256([]byte(given))
		if subtle.ConstantTimeCompare(want[:], got[:]) != 1 || !strings.EqualFold(scheme, "Bearer") {
			return &adminError{http.StatusUnauthorized, "expected the admin token, as Authorization: Bearer"}
		}
		return nil
	}
	if len(req.Header.Values("Origin")) > 0 {
		return &adminError{http.StatusForbidden, "a page in a browser may not do this"}
	}
	if !isLoopback(req.Host) {
		return &adminError{http.StatusForbidden, "expected a request to localhost, 127.0.0.1 or [::1]; other names need an admin token"}
	}
	return nil
}

// isLoopback reports whether a Host field, with a port or without, names this machine by what no name server decides.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}

// readWish reads a request's body strictly: a misspelt name must not purge something else.
func readWish(w http.ResponseWriter, req *http.Request, wish *PurgeRequest) error {
	if kind, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &adminError{http.StatusUnsupportedMediaType, "expected Content-Type: application/json"}
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, req.Body, maxAdminBody))
	dec.DisallowUnknownFields()
	err := dec.Decode(wish)
	if err == nil {
		if _, err = dec.Token(); err == io.EOF { //nolint:errorlint // Token returns it as it is
			return nil
		}
		err = cmp.Or(err, errors.New("more than one JSON value"))
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &adminError{http.StatusRequestEntityTooLarge, "expected a body of at most 64 KiB"}
	}
	return &adminError{http.StatusBadRequest, "expected one JSON object such as {\"post\": \"…\"}: " + err.Error()}
}

// audit notes who wanted what, and what came of it.
func (a *admin) audit(req *http.Request, wish *PurgeRequest, result *PurgeResult, err error) {
	level, attrs := slog.LevelInfo, []slog.Attr{
		slog.String("from", req.RemoteAddr), slog.String("what", wish.String()), slog.String("how", wish.how().word),
	}
	if result != nil {
		attrs = append(attrs, slog.Int("purged", result.Purged), slog.Int("failed", result.Failed))
		for _, src := range result.Sources {
			if src.Error != "" {
				level = slog.LevelError
				a.s.log.LogAttrs(req.Context(), level, "not purged", slog.String("source", src.Source), slog.String("err", src.Error))
			}
		}
	}
	if err != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("refused", err.Error()))
	}
	a.s.log.LogAttrs(req.Context(), level, "purge", attrs...)
}

// refuse answers with err: an adminError as it says, anything else as an internal error.
func refuse(w http.ResponseWriter, err error) {
	refusal, ok := errors.AsType[*adminError](err)
	if !ok {
		refusal = &adminError{http.StatusInternalServerError, "internal error"}
	}
	writeAdmin(w, refusal.status, map[string]string{"error": refusal.text})
}

func writeAdmin(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // a client that is gone is no error of ours
}
