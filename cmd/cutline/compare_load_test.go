//go:build integration && compare

package main

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// taken are the durations of answers by what they were.
type taken struct {
	mu sync.Mutex
	by map[string][]time.Duration
}

func (k *taken) add(how string, d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.by == nil {
		k.by = map[string][]time.Duration{}
	}
	k.by[how] = append(k.by[how], d)
}

// print shows, of each kind, how many there were, and the median and 99th percentile.
func (k *taken) print(title string, over time.Duration) {
	fmt.Printf("\n%s, in %v\n\n| answer | number | a second | median | p99 | longest |\n|---|---|---|---|---|---|\n", title, over.Round(time.Second))
	hows := make([]string, 0, len(k.by))
	for how := range k.by {
		hows = append(hows, how)
	}
	slices.Sort(hows)
	for _, how := range hows {
		all := slices.Sorted(slices.Values(k.by[how]))
		ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
		fmt.Printf("| %s | %d | %.1f | %s | %s | %s |\n", how, len(all), float64(len(all))/over.Seconds(), ms(all[len(all)/2]), ms(all[len(all)*99/100]), ms(all[len(all)-1]))
	}
}

// timed asks for url and notes the answer.
func (k *taken) timed(t *testing.T, c *http.Client, url string) {
	var a reply
	start := time.Now()
	a.ask(t.Context(), c, url, nil)
	how := fmt.Sprint(a.status)
	if a.err != nil {
		how = "error"
	} else if strings.Contains(a.header.Get("Cache-Status"), "stale") {
		how += " stale"
	}
	k.add(how, time.Since(start))
}

// TestCompareHungOrigin has an origin deliver a hundred pictures and then hang; readers go on asking for them for twenty seconds.
func TestCompareHungOrigin(t *testing.T) {
	const pictures, readers, lasts = 100, 8, 20 * time.Second
	origin := imagetest.NewOrigin(t)
	site := writeSite(t, "fetch: {allow_private: [127.0.0.0/8]}\n")
	var urls []string
	for i := range pictures {
		name := fmt.Sprintf("p%d", i)
		origin.Handle("/"+name+".jpg", imagetest.With(imagetest.Picture(distinct(t, i)), "Cache-Control", "no-cache")) // stale at once
		post := fmt.Sprintf("---\nimage: %q\ncredit: Ann\n---\n", origin.URL("/"+name+".jpg"))
		if err := os.WriteFile(filepath.Join(site, name+".md"), []byte(post), 0o600); err != nil {
			t.Fatal(err)
		}
		urls = append(urls, "/p/"+name+"/w320.jpg")
	}
	s := startServe(t, "--cache", t.TempDir(), "--log", "error", "--workers", "auto", site)
	defer s.stop(t)
	c := client(t)
	for _, u := range urls {
		fetched(t, s.url+u, "")
	}
	for i := range pictures {
		origin.Handle(fmt.Sprintf("/p%d.jpg", i), imagetest.Hang())
	}
	var k taken
	var wg sync.WaitGroup
	start := time.Now()
	for r := range readers {
		wg.Go(func() {
			for i := r; time.Since(start) < lasts; i += 7 {
				k.timed(t, c, s.url+urls[i%len(urls)])
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	wg.Wait()
	k.print("The origin of 100 pictures hangs", time.Since(start))
}

// TestCompareOverload finds how many new pictures a second are made for readers who wait for theirs, and then has four times as many
// asked for, whether or not the ones before were answered: with pictures made in workers, and in the server itself.
func TestCompareOverload(t *testing.T) {
	for _, workers := range []string{"auto", "0"} {
		t.Run(workers, func(t *testing.T) { compareOverload(t, workers) })
	}
}

func compareOverload(t *testing.T, workers string) {
	const closed, lasts = 8, 15 * time.Second
	picture := imagetest.JPEG(t, 1600, 1200)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = w.Write(append(slices.Clone(picture), r.URL.Path...)) // other bytes, the same pixels
	}))
	defer origin.Close()
	at, err := url.Parse(origin.URL)
	if err != nil {
		t.Fatal(err)
	}
	site := writeSite(t, "fetch: {allow_private: [127.0.0.0/8], hosts: ["+at.Hostname()+"]}\n")
	s := startServe(t, "--cache", t.TempDir(), "--log", "error", "--workers", workers, site)
	defer s.stop(t)
	c := client(t)
	next := 0
	var mu sync.Mutex
	fresh := func() string {
		mu.Lock()
		defer mu.Unlock()
		next++
		return s.url + "/" + url.QueryEscape(fmt.Sprintf("%s/%d.jpg", origin.URL, next)) + "?w=640&fm=jpg"
	}
	fetched(t, fresh(), "")
	time.Sleep(10 * time.Second) // encoders are made ready meanwhile
	var idle, over, hits taken
	var wg sync.WaitGroup
	start := time.Now()
	for range closed {
		wg.Go(func() {
			for time.Since(start) < lasts {
				idle.timed(t, c, fresh())
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	capacity := float64(len(idle.by["200"])) / took.Seconds()
	idle.print(fmt.Sprintf("%d readers who wait for their answers, workers: %s", closed, workers), took)
	known := fresh()
	fetched(t, known, "")
	start = time.Now()
	tick := time.NewTicker(time.Duration(float64(time.Second) / (4 * capacity)))
	defer tick.Stop()
	for n := 0; time.Since(start) < lasts; {
		<-tick.C
		wg.Go(func() { over.timed(t, c, fresh()) })
		if n++; n%20 == 0 {
			wg.Go(func() { hits.timed(t, c, known) })
		}
	}
	offered := time.Since(start)
	wg.Wait()
	over.print(fmt.Sprintf("%.1f new pictures a second asked for, four times as many as can be made", 4*capacity), time.Since(start))
	hits.print("hits meanwhile", offered)
}

// distinct is a picture whose bytes no other number has.
func distinct(t *testing.T, i int) []byte {
	return binary.BigEndian.AppendUint32(imagetest.JPEG(t, 400, 300), uint32(i))
}
