# The two commands are `make run` and `make test`; `make help` lists the rest.
SWIFT ?= swift
RELEASE := .build/release
INDEX ?= .data/index
ARGS ?=
SWIFT_FILES := Sources Tests Package.swift Benchmarks/Sources Benchmarks/Micro Benchmarks/Package.swift
export GATEWAY_COMMIT := $(shell git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)

.DEFAULT_GOAL := help
.PHONY: help run test build lint format clean baseline compare overload floors microbench counts flamegraph arm clean-arm

help: ## This list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## Set up, build, import the sample index if there is none, and run the gateway (ARGS='--io epoll')
	@if ! $(RELEASE)/ronctl index stats --index-path $(INDEX) >/dev/null 2>&1; then \
		$(RELEASE)/ronctl index import configs/sample-index.jsonl --index-path $(INDEX); \
	fi
	@exec $(RELEASE)/svc-gateway --index-path $(INDEX) $(ARGS)

# Not in parallel: tests of the data path block their threads, and those of the admin port need the same few.
test: ## Set up, build everything in debug, and run all tests and the lint
	@./.ci/setup build test
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --no-parallel --quiet
	@$(MAKE) --no-print-directory lint

build: ## Set up and build svc-gateway, ronctl and oap-bench for release into .build/release
	@./.ci/setup build
	@for product in svc-gateway ronctl oap-bench; do \
		$(SWIFT) build -c release --product $$product || exit 1; \
	done

lint: ## Check the style of every Swift file
	@$(SWIFT) format lint --strict --parallel --recursive $(SWIFT_FILES)
	@echo "lint: ok"

format: ## Rewrite every Swift file in the house style
	@$(SWIFT) format --in-place --parallel --recursive $(SWIFT_FILES)

floors: .build/floors/uring-floor .build/floors/epoll-floor ## Build the two C servers that a gateway is measured against

.build/floors/%: Benchmarks/floors/%.c Benchmarks/floors/floor.h
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -Wextra -Werror -o $@ $< $(shell pkg-config --libs liburing)

baseline: build ## Prove 500 requests a second on 4 processors and 8 GB, and find the capacity (3 minutes; ARGS='--io both')
	@python3 perf/baseline.py $(ARGS)

compare: build ## CPU per request beside Redis, nginx, HAProxy and the floors, and every goal (15 minutes; ARGS=--quick)
	@./.ci/setup perf counts
	@$(MAKE) --no-print-directory floors
	@python3 perf/compare.py $(ARGS)

overload: build ## Goodput, latency, fairness and abuse at up to ten times the load, and every goal (10 minutes; ARGS=--quick)
	@./.ci/setup overload
	@for product in slow-index-gateway admission-proof permit-proof; do \
		$(SWIFT) build -c release --package-path Benchmarks --product $$product || exit 1; \
	done
	$(SWIFT) build -c release --product svc-gateway --scratch-path .build/admission-off -Xswiftc -DADMISSION_OFF
	@$(MAKE) --no-print-directory .build/overload/offer .build/overload/abuse .build/overload/slow-http
	@python3 perf/overload.py $(ARGS)

.build/overload/%: Benchmarks/overload/%.c Benchmarks/overload/load.h Benchmarks/overload/offer.h
	@mkdir -p $(@D)
	$(CC) -O2 -D_GNU_SOURCE -Wall -Wextra -Werror -o $@ $<

counts: build ## Instructions, allocations and reference counts: of microbenchmarks against thresholds, and of a live gateway
	@./.ci/setup counts
	@$(SWIFT) build -c release --package-path Benchmarks --product microbench-count
	@python3 perf/microbench.py
	@python3 perf/retains.py

microbench: ## Wall-clock time of the microbenchmarks (ARGS='--filter index.*')
	@./.ci/setup build
	@cd Benchmarks && $(SWIFT) package --allow-writing-to-package-directory benchmark --scale $(ARGS)

flamegraph: ## Where a gateway under load spends its time, as an SVG (PID=… for one that runs; ARGS='--io epoll --depth 64')
	@./.ci/setup build flamegraph
	@[ -n "$(PID)" ] || $(MAKE) --no-print-directory build
	@python3 perf/flamegraph.py $(if $(PID),--pid $(PID)) $(ARGS)

arm: ## Prove it on ARM64: conformance, baseline, instructions beside x86-64, in a QEMU guest or natively (ARGS='--only tests')
	@./.ci/setup $(if $(filter aarch64,$(shell uname -m)),counts perf,arm)
	@python3 perf/arm/arm.py $(ARGS)

clean-arm: ## Remove the ARM64 SDK, its builds and its guest
	rm -rf "$${ARM_CACHE:-.build/arm}"

clean: ## Remove what was built; the index in .data stays
	rm -rf .build Benchmarks/.build
