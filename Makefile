# `make` lists the targets. `make run` and `make test` are all the set-up there is.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

GO         ?= go
BIN        := bin
RONDO      := $(BIN)/rondo
DATA       ?= ./data
LISTEN     ?= 127.0.0.1:6379
ARGS       ?=
FUZZTIME   ?= 1m
BLACKBOX   := ./cmd/internal/blackbox
# Versions of the linters. They are fetched and built by the Go tool.
STATICCHECK  := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCILINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.PHONY: help
help: ## list the targets
	@echo "make <target>, with:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: build
build: ## build bin/rondo
	@mkdir -p $(BIN)
	$(GO) build -o $(RONDO) ./cmd/rondo

.PHONY: run
run: build ## build, and start a node on 127.0.0.1:6379 with its data in ./data (ARGS="--durability always")
	@echo "Starting a node; Ctrl-C stops it. Then, in another terminal: redis-cli set hello world"
	@exec $(RONDO) server --listen $(LISTEN) --dir $(DATA) $(ARGS)

.PHONY: test
test: ## install what the tests need, run them all and end with a line of counts
	@.ci/tools test
	@.ci/test

.PHONY: race
race: ## run the tests under the race detector
	$(GO) test -race -timeout 30m ./...

.PHONY: lint
lint: ## gofmt, go vet, staticcheck and the rules of the house
	@unformatted=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
	  if [ -n "$$unformatted" ]; then echo "not gofmt-clean:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags blackbox ./...
	$(GO) vet -tags clockoffset ./cmd/rondo
	$(GO) run $(STATICCHECK) -tags blackbox ./...
	$(GO) test -count=1 ./cmd/internal/lint

.PHONY: golangci
golangci: ## golangci-lint with .golangci.yml (builds it first: minutes the first time)
	$(GO) run $(GOLANGCILINT) run ./...

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (1m)
	@.ci/fuzz $(FUZZTIME)

.PHONY: bench
bench: build ## put Redis and Rondo under the same load in turn and print both (ARGS="--only set/16")
	@.ci/tools test
	$(RONDO) bench compare $(ARGS)

.PHONY: bench-cluster
bench-cluster: build ## three nodes under load over all slots: CPU of all of them for an operation (ARGS="--profile bin/profiles")
	@.ci/tools test
	$(RONDO) bench cluster $(ARGS)

.PHONY: cover
cover: ## run the tests and print the coverage of each package
	@mkdir -p $(BIN)
	$(GO) test -coverprofile=$(BIN)/cover.out -coverpkg=./... ./...
	@$(GO) tool cover -func=$(BIN)/cover.out | tail -n 1
	@echo "by line: go tool cover -html=$(BIN)/cover.out"

.PHONY: docs
docs: ## write docs/configuration.md from the table of settings
	$(GO) run ./cmd/rondo config docs docs/configuration.md

.PHONY: clients
clients: ## each client library against a node and rings of 3 and 5, a node killed under load (ARGS="-run ClusterClients/5")
	@.ci/tools clients
	$(GO) test -tags blackbox -count=1 -timeout 60m -v $(BLACKBOX)/clients $(ARGS)

.PHONY: differential
differential: ## the same random commands to redis-server and to Rondo
	@.ci/tools test
	$(GO) test -tags blackbox -count=1 -timeout 60m -v $(BLACKBOX)/differential

.PHONY: crash
crash: ## kill -9 under load, 20 rounds at each durability
	$(GO) test -tags blackbox -count=1 -timeout 60m -v $(BLACKBOX)/crash

.PHONY: hostile
hostile: ## clients that misbehave
	$(GO) test -tags blackbox -count=1 -timeout 60m -v $(BLACKBOX)/hostile

.PHONY: bigdata
bigdata: ## a data set larger than the caches (needs 10 GB of disk)
	$(GO) test -tags blackbox -count=1 -timeout 60m -v $(BLACKBOX)/bigdata

# Seeds of the simulator: SEEDS of them from SEED on.
SEEDS ?= 2000
SEED  ?= 1

.PHONY: sim
sim: ## simulate SEEDS (2000) whole clusters from SEED (1) on, with faults, and check what they promise
	@mkdir -p $(BIN)
	$(GO) build -o $(BIN)/sim ./cmd/internal/sim
	$(BIN)/sim -seeds $(SEEDS) -seed $(SEED) $(ARGS)

.PHONY: mutants
mutants: ## break the code on purpose, in copies, and see the simulator catch each break (ARGS="-only skip-write-back")
	$(GO) run ./cmd/internal/mutants $(ARGS)

.PHONY: chaos
chaos: ## faults on a real cluster, short: a kill, a stop, a cut, a slow link, a rolling restart; levels; hints
	@.ci/tools test
	$(GO) test -tags blackbox -count=1 -short -timeout 10m -v $(BLACKBOX)/chaos

.PHONY: chaos-long
chaos-long: ## all faults in turn on 3 and 5 nodes for CHAOS (30m), and make hints
	@.ci/tools test
	CHAOS=$${CHAOS:-30m} $(GO) test -tags blackbox -count=1 -timeout 90m -v $(BLACKBOX)/chaos

.PHONY: hints
hints: ## a node is away while HINTS (100000) keys are written, and is brought level by hints
	@.ci/tools test
	$(GO) test -tags blackbox -count=1 -timeout 10m -run TestHints -v $(BLACKBOX)/chaos

.PHONY: moves
moves: ## nodes join, leave, are replaced and killed under load, a ring of 1000000 keys; two datacenters (MOVES_KEYS, MOVES_RATE)
	@.ci/tools test
	$(GO) test -tags blackbox -count=1 -timeout 60m -v $(BLACKBOX)/moves $(ARGS)
	$(GO) test -tags blackbox -count=1 -timeout 10m -v -run TestDatacenters $(BLACKBOX)/chaos

.PHONY: soak
soak: ## the simulator, the random and the crash tests, for an hour each
	$(GO) run ./cmd/internal/sim -for 1h -seed $$(date +%s)000
	SOAK=1h $(GO) test -tags blackbox -count=1 -timeout 180m -v $(BLACKBOX)/differential $(BLACKBOX)/crash

.PHONY: clean
clean: ## remove bin; the data directory stays
	rm -rf $(BIN)
