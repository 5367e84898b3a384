# Everything that is done with this project. Plain `make` lists it.
SHELL := /bin/bash
CONFIGURATION ?= release
SEEDS ?= 2000
KILLS ?= 200
STOCK_KILLS ?= 5
SERVER ?= redis-server
DATA ?= 100
# With Swift's library inside the program a command starts in half the time, and needs no Swift on the machine.
# Each function has its own section, so that the linker can leave out those that nothing uses.
BUILD = swift build -c $(CONFIGURATION) --static-swift-stdlib -Xswiftc -Xfrontend -Xswiftc -function-sections

.DEFAULT_GOAL := help
.PHONY: help run build test unit sim bench plots chaos test-systemd test-memory size deb dist engines lint fmt clean dependencies

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1|/' | column -t -s '|'

dependencies: ## install what is missing (redis-server, libsystemd-dev, libyaml-dev …)
	@scripts/install-dependencies

build: dependencies ## build the daemon
	$(BUILD) --product clusterd

run: build ## start a six-node cluster in ./clusterd-data, with the configuration of conf.d/
	.build/$(CONFIGURATION)/clusterd up --config conf.d

test: dependencies lint engines ## run all tests
	swift build --build-tests
	swift test --skip-build --no-parallel --skip EndToEndTests
	swift test --skip-build --filter EndToEndTests
	scripts/check-openapi .build/debug/clusterd
	$(MAKE) sim SEEDS=200
	$(MAKE) test-systemd
	$(MAKE) test-memory

unit: dependencies ## run the tests that start no cluster
	swift build --build-tests
	swift test --skip-build --no-parallel --skip EndToEndTests

sim: ## run the simulator: SEEDS=10000, or SEED=41 to replay one with its story
	$(BUILD) --product clusterd-sim
	.build/$(CONFIGURATION)/clusterd-sim $(if $(SEED),--seed $(SEED) --story,--seeds $(SEEDS))

chaos: dependencies ## faults at random moments under a writer with a ledger: SEED=7 ROUNDS=50
	swift build --build-tests
	SEED=$(or $(SEED),7) ROUNDS=$(or $(ROUNDS),50) swift test --skip-build --filter ChaosTests

bench: build ## measure clusterd beside its peers: ONLY=create,failover QUICK=1 KILLS=200 STOCK_KILLS=5 DATA=1000 SERVER=PATH
	$(if $(or $(if $(ONLY),,all),$(findstring decide,$(ONLY))),$(BUILD) --product decide-bench)
	swift run -c release --package-path Benchmarks clusterd-bench --clusterd .build/$(CONFIGURATION)/clusterd \
		--decide-bench .build/$(CONFIGURATION)/decide-bench \
		--server $(SERVER) --kills $(KILLS) --stock-kills $(STOCK_KILLS) --data $(DATA) $(if $(ONLY),--only $(ONLY)) \
		$(if $(QUICK),--quick) $(if $(STRICT),--strict) $(if $(SAVE),--save-baseline) \
		--baseline Benchmarks/baseline.json --json .build/bench.json --markdown .build/bench.md

plots: ## draw the figures of the last `make bench` into docs/plots, and list the plots in docs/performance.md
	scripts/plot-bench .build/bench.json

size: CONFIGURATION = release
size: dependencies ## show what the program consists of
	$(BUILD) --product clusterd -Xlinker -Map=$(CURDIR)/.build/clusterd.map
	@scripts/size-by-part .build/clusterd.map

deb: build ## make the Debian package, in .build-packages
	@scripts/install-dependencies package
	@scripts/build-packages deb

dist: build ## make a tarball with the program and its unit, for other distributions
	@scripts/build-packages dist

test-systemd: build ## boot a Debian in a container, and test clusterd there as a service (as root)
	Tests/BootTests/run

test-memory: build ## boot a kernel that has the memory controller of cgroup v2, and test limits there (as root)
	Tests/BootTests/memory

engines: dependencies ## fetch the engines of the test matrix into .build-engines
	@scripts/fetch-engines

lint: ## check the format of all sources, and what pages refer to
	swift format lint --strict -r --configuration .swift-format Sources Tests Benchmarks Package.swift
	@for script in scripts/* Tests/BootTests/run Tests/BootTests/memory Tests/BootTests/*.py; do if head -n 1 "$$script" | grep -q python || [ "$${script%.py}" != "$$script" ]; then python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$$script"; else sh -n "$$script"; fi || exit 1; done
	@bash -n .ci/run
	@scripts/check-documents

fmt: ## format all sources
	swift format -i -r --configuration .swift-format Sources Tests Benchmarks Package.swift

clean: ## remove what was built; data are left alone
	rm -rf .build .build-engines .build-python .build-boot .build-packages
