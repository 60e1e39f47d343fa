package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// start runs a lifecycle over handler on a free port. end ends it with a signal; done gives what run returned.
func start(t *testing.T, l lifecycle, handler http.Handler) (url string, end func(syscall.Signal), done <-chan error) {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	l.http = &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if l.setReady == nil {
		l.setReady = func(bool) {}
	}
	result := make(chan error, 1)
	go func() { result <- l.run(ctx, ln) }()
	return "http://" + ln.Addr().String(), func(s syscall.Signal) { cancel(interrupt{s}) }, result
}

func get(url string) (string, error) {
	resp, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// A load balancer that has not looked yet still sends requests: they are answered while the server is not ready.
func TestServesAfterItIsNotReady(t *testing.T) {
	var url string
	answers := make(chan string, 1)
	l := lifecycle{grace: time.Minute, setReady: func(ready bool) {
		body, err := get(url)
		if ready || err != nil {
			body = "ready or failed"
		}
		answers <- body
	}}
	url, end, done := start(t, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "picture")
	}))
	end(syscall.SIGTERM)
	if err := <-done; err != nil {
		t.Errorf("run = %v, want nil after SIGTERM", err)
	}
	if got := <-answers; got != "picture" {
		t.Errorf("answer while not ready = %q, want picture", got)
	}
	if _, err := get(url); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("get after the end: %v, want connection refused", err)
	}
}

func TestWaitsForRequestsUnderWay(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	l := lifecycle{grace: time.Minute, setReady: func(bool) { close(release) }}
	url, end, done := start(t, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		_, _ = io.WriteString(w, "picture")
	}))
	body := make(chan string, 1)
	go func() {
		got, err := get(url)
		if err != nil {
			got = err.Error()
		}
		body <- got
	}()
	<-entered
	end(syscall.SIGINT)
	if got := <-body; got != "picture" {
		t.Errorf("request under way got %q, want picture", got)
	}
	if err := <-done; !errors.Is(err, interrupt{syscall.SIGINT}) {
		t.Errorf("run = %v, want the interrupt after SIGINT", err)
	}
}

func TestCutsOffAfterTheGrace(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	var log strings.Builder
	l := lifecycle{grace: time.Millisecond, log: slog.New(slog.NewTextHandler(&log, nil))}
	url, end, done := start(t, l, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-release
	}))
	failed := make(chan error, 1)
	go func() {
		_, err := get(url)
		failed <- err
	}()
	<-entered
	end(syscall.SIGTERM)
	if err := <-done; err != nil {
		t.Errorf("run = %v, want nil", err)
	}
	if err := <-failed; err == nil {
		t.Error("a request that outlived the grace was answered")
	}
	if !strings.Contains(log.String(), "requests cut off") {
		t.Errorf("log = %q, want the cut named", log.String())
	}
}

func TestReportsAServerThatFails(t *testing.T) {
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	l := lifecycle{http: &http.Server{ReadHeaderTimeout: time.Minute}, setReady: func(bool) {}, log: slog.New(slog.DiscardHandler)}
	if err := l.run(t.Context(), ln); !errors.Is(err, net.ErrClosed) {
		t.Errorf("run = %v, want net.ErrClosed", err)
	}
}
