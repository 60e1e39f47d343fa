package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// TestRefusedHeadersAreRead verifies that a client whose header is too long reads the whole refusal, although it has sent what
// nobody takes.
func TestRefusedHeadersAreRead(t *testing.T) {
	address := serveCrowd(t, 4, &http.Server{Handler: http.HandlerFunc(hello), MaxHeaderBytes: 16 << 10, ReadHeaderTimeout: time.Minute})
	conn := dial(t, address)
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", 64<<10)+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 431 ") || !strings.HasSuffix(string(answer), "Too Large") {
		t.Errorf("%q, %v, want 431, to its end", answer, err)
	}
}

// TestUnreadAnswersEnd verifies that a client which sends one request after the other and takes none of the small answers is given
// up, as one that does not take a large one.
func TestUnreadAnswersEnd(t *testing.T) {
	const limit = 200 * time.Millisecond
	failed := make(chan error, 1)
	address := serveSteadily(t, 4, steadyBytes, limit, &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			if _, err := io.WriteString(w, strings.Repeat("x", 60<<10)); err != nil {
				failed <- err
			}
		})})
	conn := dial(t, address)
	if _, err := io.WriteString(conn, strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1000)); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-failed:
		if !isTimeout(err) {
			t.Errorf("%v, want a timeout", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the server still waits")
	}
	if got, err := request(dial(t, address), "/"); len(got) != 60<<10 || err != nil {
		t.Errorf("an honest client: %d bytes, %v", len(got), err)
	}
}

// TestHTTP2IsNotSpoken verifies that nobody can begin HTTP/2 here, by its preface or by an upgrade, and so none of what makes a server
// of it work for nothing: it is for a proxy in front, with TLS.
func TestHTTP2IsNotSpoken(t *testing.T) {
	address := serveCrowd(t, 4, &http.Server{Handler: http.HandlerFunc(hello), ReadHeaderTimeout: time.Minute})
	for _, request := range []string{
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", // the handler has it, as a strange method
		"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
	} {
		conn := dial(t, address)
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		answer, err := io.ReadAll(conn)
		if isTimeout(err) || strings.Count(string(answer), "HTTP/1.1 200 ") != 1 || !strings.HasSuffix(string(answer), "hello") {
			t.Errorf("%.20q: %q, %v, want one answer by HTTP/1.1, and the end", request, answer, err)
		}
	}
}

// TestOriginsHeadersStay verifies that an answer has no header of the origin's: neither of the first answer nor of a kept one.
func TestOriginsHeadersStay(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	strange := []string{
		"Set-Cookie", "a=origins", "Server", "origins", "X-Powered-By", "origins", "Link", "<https://origins.example>; rel=preload", "Refresh", "0; url=origins",
		"Content-Disposition", "attachment; filename=origins.exe", "Content-Security-Policy", "default-src origins", "Location", "https://origins.example/",
		"Cache-Status", "origins; hit", "Vary", "origins", "Image-Alt", "origins", "Via", "1.1 origins", "Strict-Transport-Security", "origins",
	}
	origin.Handle("/a.jpg", imagetest.With(imagetest.Picture(imagetest.JPEG(t, 64, 48)), strange...))
	site := writeSite(t, "fetch: {allow_private: [127.0.0.0/8]}\n")
	post := "---\nimage: " + origin.URL("/a.jpg") + "\ncredit: Ann\n---\n"
	if err := os.WriteFile(filepath.Join(site, "a.md"), []byte(post), 0o600); err != nil {
		t.Fatal(err)
	}
	h := handlerOf(t, site, "0")
	for range 3 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/p/a/w320.jpg", nil))
		if w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		for name, values := range w.Header() {
			if strings.Contains(strings.Join(values, " "), "origins") {
				t.Errorf("%s: %s", name, values)
			}
		}
	}
}
