# What contributors and continuous integration run. Only Go is needed; tools are built by `go run` at a pinned version.
# `integration` and `compare` install more, on Debian.

GOLANGCI := GOFLAGS= go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 20s
ADDR     ?= 127.0.0.1:8080
# The race detector needs cgo and a C compiler.
CAN_RACE := $(shell test "$$(go env CGO_ENABLED)" = 1 && command -v $$(go env CC | cut -d' ' -f1))

.DEFAULT_GOAL := help
.PHONY: help build run test race nocgo fmt vet lint vulncheck check integration fuzz golden bench compare cover docker clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build ./cutline for production, without cgo; the first time takes minutes, for half a million lines of AVIF
	CGO_ENABLED=0 go build -trimpath -tags wasm2go -o cutline ./cmd/cutline

run: ## serve the example site on ADDR
	go run ./cmd/cutline serve testdata/site --listen $(ADDR)

test: ## run all tests
	go test ./...

# A program under the race detector waits for a second before it ends, and the scripts run hundreds.
race: ## run the tests, without those that are long, with the race detector; where there is no C compiler, without it, and say so
	$(if $(CAN_RACE),,@echo 'race: NO RACE DETECTOR: it needs cgo and a C compiler; running the tests without it' >&2)
	$(if $(CAN_RACE),GORACE=atexit_sleep_ms=50 go test -race,CGO_ENABLED=0 go test) -short ./...

nocgo: ## build everything without cgo, and the program fully static, as the Dockerfile does
	CGO_ENABLED=0 go build ./...
	CGO_ENABLED=0 go build -tags nodynamic,wasm2go -o /dev/null ./cmd/cutline

fmt: ## list files that are not gofmt'ed, and fail if there are any
	@files=$$(gofmt -l cmd proxy cache internal .ci); test -z "$$files" || { echo "not gofmt'ed:" $$files >&2; exit 1; }

vet: ## run go vet, over the files of `integration` too
	go vet ./...
	go vet -tags integration,compare ./...
	go vet -tags notraces ./internal/telemetry ./cmd/cutline

lint: ## run golangci-lint (.golangci.yml); the first run builds it, which takes minutes
	$(GOLANGCI) run ./...

vulncheck: ## look for known vulnerabilities in what is called; needs the network, and says so where there is none
	.ci/vulncheck

check: fmt vet nocgo test race lint vulncheck ## what continuous integration runs: all of fmt, vet, nocgo, test, race, lint, vulncheck

integration: ## prove engine, cache and server against photographs, codecs, faults, clients and a browser; installs what it needs with apt-get
	.ci/integration

fuzz: ## run every fuzz target for FUZZTIME
	.ci/fuzz $(FUZZTIME)

golden: ## write the golden references anew; look at what changed before you commit
	go test -run='^TestGolden' ./internal/transform/goengine -update

bench: ## run all benchmarks; compare two runs with benchstat
	go test -run='^$$' -bench=. -benchmem ./...

compare: ## print time, memory and bytes beside sharp and vipsthumbnail (internal/docs/performance.md); installs what it needs
	.ci/integration compare

cover: ## run all tests with coverage of all packages; writes cover.out
	go test -coverpkg=./... -coverprofile=cover.out ./...
	go tool cover -func=cover.out | tail -n 1

docker: ## build the container image
	docker build -t cutline .

clean: ## remove what the targets above leave behind
	rm -f cutline cover.out
