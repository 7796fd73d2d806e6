# DSSS: build, run, test, measure. Nothing but Go is needed, except flatc for `make generate` and its check.

SHELL := /bin/bash
GO    ?= go
STATE ?= out/tsp.dsss
N     ?= 4
EXAMPLES := $(notdir $(patsubst %/,%,$(wildcard examples/hpc/*/)))

.PHONY: all build run resume test race fresh kill failover sim powerfail chaos fuzz fuzz-readers bench generate check-generated lint vuln clean

all: build

## build: bin/dsss, bin/dsss-gen, bin/dsss-vet and one bin/NAME for each example
build:
	@mkdir -p bin
	$(GO) build -o bin/ ./cmd/dsss ./cmd/dsss-gen ./cmd/dsss-vet
	@set -e; for e in $(EXAMPLES); do $(GO) build -o bin/$$e ./examples/hpc/$$e; done

## run: the shortest round trip through the capitals of Europe, on N workers, from the beginning
run: build
	@mkdir -p out && rm -rf $(STATE)
	bin/dsss run -n $(N) --state-dir $(STATE) -- bin/tsp --png out/tour.png examples/hpc/tsp/data/europe.tsp

## resume: go on with what `make run` left behind when it was killed
resume: build
	bin/dsss run -n $(N) --state-dir $(STATE) --resume -- bin/tsp --png out/tour.png examples/hpc/tsp/data/europe.tsp

# What starts no goroutines of its own, users' programs, and the benchmark, whose processes run what other tests run with
# the race detector: it would cost minutes here and find nothing. `make race` leaves nothing out.
UNRACED := ^dsss/(cmd/dsss-gen|cmd/dsss-vet|determinism|flat|examples|bench|internal/house)(/|$$)

## test: every test in its short form; what is concurrent with the race detector
test: build
	$(GO) vet ./...
	$(GO) test -vet=off -timeout 9m $$($(GO) list ./... | grep -E '$(UNRACED)')
	$(GO) test -vet=off -race -timeout 9m $$($(GO) list ./... | grep -vE '$(UNRACED)')

## race: every test with the race detector
race: build
	$(GO) test -race -timeout 20m ./...

## fresh: FRESH, which is what the README says first, as on a new machine: on a copy of the last commit, with nothing
## downloaded or built before, and every word of the README's commands, which may ask the network
FRESH ?= run test
fresh:
	@set -e; dir=$$(mktemp -d); trap 'chmod -R u+w "$$dir"; rm -rf "$$dir"' EXIT; mkdir "$$dir/tmp"; \
	export GOMODCACHE="$$dir/mod" GOCACHE="$$dir/build" TMPDIR="$$dir/tmp" GOFLAGS= DSSS_NETWORK=1; \
	export GIT_CONFIG_GLOBAL="$$dir/gitconfig"; git config --global safe.directory '*'; \
	git clone -q . "$$dir/dsss"; \
	for target in $(FRESH); do echo "== make $$target"; $(MAKE) -C "$$dir/dsss" --no-print-directory $$target; done; \
	if [ -n "$$(ls -A "$$dir/tmp")" ]; then echo "left behind in TMPDIR:" >&2; ls -lA "$$dir/tmp" >&2; exit 1; fi

## kill: the kill tests at full length: 20 jobs on the capitals of Europe, killed at random moments and resumed, and 20 whose
## processes are killed one after the other while they run
kill:
	DSSS_KILLS=20 DSSS_KILL_INSTANCE=data/europe.tsp $(GO) test -count=1 -timeout 30m -run 'TestKilledJobs|TestRespawnedJobs' -v ./examples/hpc/tsp

## sim: SEEDS whole clusters in one goroutine each, with faults of every kind; SEED=n is one of them, with all that happens in it
SEEDS ?= 10000
sim:
	DSSS_SEED=$(SEED) DSSS_SEEDS=$(SEEDS) $(GO) test -count=1 -timeout 30m -run '$(if $(SEED),TestSeeds,.)' -v ./runtime/sim

## powerfail: POWERFAIL jobs on a disk in memory, crashed after each disk operation in every way that may leave it
POWERFAIL ?= 20
powerfail:
	DSSS_POWERFAIL=$(POWERFAIL) $(GO) test -count=1 -timeout 60m -run Powerfail -v ./checkpoint/statedir

## failover: how long nobody is answered when the coordinator is killed under load: median and maximum of 20, per durability
failover:
	DSSS_FAILOVER=20 $(GO) test -count=1 -timeout 20m -run TestFailover -v ./cmd/dsss | grep -v '^=== '

## chaos: real jobs under load for CHAOS, whose processes are killed and stopped, connections cut and disks filled at random,
## and every acknowledged mutation is looked for afterwards. SEED repeats the plan of an earlier one; root does more
CHAOS ?= 10m
SEED  ?=
chaos:
	DSSS_CHAOS=$(CHAOS) DSSS_SEED=$(SEED) $(GO) test -count=1 -timeout 3h -run '^TestChaos$$' -v ./test/chaos

## bench: ours beside raw TCP, as a table and as bench/out/bench.json
bench:
	$(GO) run ./bench

## generate: code from the FlatBuffers schemas and from annotated structs
generate:
	$(GO) generate ./...

## check-generated: fails when `make generate` would change or add a file
check-generated:
	@before=$$(git status --porcelain; git diff | sha256sum); \
	$(GO) generate ./... || exit 1; \
	after=$$(git status --porcelain; git diff | sha256sum); \
	if [ "$$before" != "$$after" ]; then \
	  echo "generated code is not what 'make generate' writes; these differ now:" >&2; git status --porcelain >&2; exit 1; fi

## lint: formatting, vet, staticcheck (of what dsss-gen writes in its tests, too), and our own check of the mutators in examples and benchmark
lint:
	@test -z "$$(gofmt -l . | tee /dev/stderr)"
	$(GO) vet ./...
	$(GO) tool staticcheck ./... $(sort $(dir $(wildcard ./cmd/dsss-gen/internal/gen/testdata/*/*_dsss.go)))
	$(GO) run ./cmd/dsss vet ./...

## vuln: known vulnerabilities in what we depend on (asks the Go vulnerability database)
vuln:
	$(GO) tool govulncheck ./...

## fuzz: every decoder for FUZZTIME each
FUZZTIME ?= 30s
fuzz:
	@set -e; for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p 2>/dev/null | grep '^Fuzz' || true); do \
	    echo "== $$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p; done; done

## fuzz-readers: 100 million almost honest inputs for every generated reader and every decoder of messages, on one core
FUZZ_READERS ?= 100000000
FUZZ_SEED    ?= 1
fuzz-readers:
	DSSS_FUZZ_SEED=$(FUZZ_SEED) DSSS_FUZZ_READERS=$$(( $(FUZZ_READERS) / 4 )) \
	  $(GO) test -count=1 -cpu 1 -timeout 4h -run '^TestHostile$$' -v ./comm
	DSSS_FUZZ_SEED=$(FUZZ_SEED) DSSS_FUZZ_READERS=$$(( $(FUZZ_READERS) - $(FUZZ_READERS) / 4 )) \
	  $(GO) test -count=1 -cpu 1 -timeout 4h -run '^TestHostile$$' -v ./cmd/dsss-gen/internal/gen

clean:
	rm -rf bin out bench/out
