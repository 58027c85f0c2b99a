# Polso. `make help` lists the targets. Every target installs what it lacks (Debian, as root).
SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
export CGO_ENABLED ?= 0
VERSION ?= $(shell git describe --tags --match 'v[0-9]*' --always --dirty 2>/dev/null || echo unknown)
COMMIT  ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
LABBIN  := .lab/bin
LABVM   := go run ./tools/labvm
# The release before this one, which a rolling upgrade begins with: the last tag before this commit, or while there is none the last commit without command levels.
PREVIOUS ?= $(shell git describe --tags --match 'v[0-9]*' --abbrev=0 HEAD^ 2>/dev/null || echo bf4ad97526e1ce9c6ce76f1abf9cc3fa9fb98c7f)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
RACE_PKGS := $(shell go list ./... 2>/dev/null | grep -v -e /lab -e /tools -e /web/browser)
# What wants a processor and no clock.
PURE_PKGS := $(addprefix polso/,bundle config consensus/lease consensus/trust convert director events figures fsm ipvs metrics program top web)

SERVERS := nginx-light haproxy bind9 exim4-daemon-light redis-server mariadb-server postgresql slapd vsftpd dovecot-imapd dovecot-pop3d kamailio kamailio-tls-modules libnginx-mod-stream
BROWSERS := chromium w3m fonts-dejavu-core libnss3-tools

.PHONY: build demo test laboratory unit race clocked pure race-needs once virtual alone servers web web-lab browsers screenshots webbench site pictures model rounds lab lab-all scenario faults fuzz bench flows scale scale-switch checks packages packages-test alerts packages-lab container lint help lab-binaries previous

build: ## the static binary, bin/polso
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/polso ./cmd/polso

demo: build lab-binaries ## three routers, traffic, a failover: watch it happen (boots a kernel with IPVS if needed)
	$(LABVM) --timeout 5m -- $(LABBIN)/demo --polso bin/polso

test: clocked alone laboratory web-lab ## the whole proof: units under the race detector, what that leaves out, laboratory, browsers, packages, alerts, lint

# The laboratory waits for clocks more than for processors; the others take what it leaves, and print when both have ended.
laboratory: build lab-binaries browsers race-needs
	@log=$$(mktemp); nice -n 19 sh -c '$(MAKE) -k --no-print-directory web packages-test alerts virtual lint pure' >$$log 2>&1 & rest=$$!; \
	failed=0; $(MAKE) --no-print-directory lab || failed=1; \
	wait $$rest || failed=1; cat $$log; rm $$log; exit $$failed

unit: ## unit tests, the virtual-time rounds, the command line's scripts
	go test ./...
	go test -tags lab -run TestClockLeaps ./agent

race: clocked pure ## the same under the race detector (virtual-time rounds are left to `unit`)

clocked: race-needs
	CGO_ENABLED=1 go test -race -timeout 20m -parallel 4 $(filter-out $(PURE_PKGS),$(RACE_PKGS))

pure: race-needs
	CGO_ENABLED=1 go test -race -timeout 20m -parallel 4 $(filter $(PURE_PKGS),$(RACE_PKGS))

race-needs:
	@command -v gcc >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends gcc libc6-dev; } >&2

once: virtual alone ## what the race detector's run leaves out

virtual: ## of that what wants a processor and no clock: 5,000 of the virtual-time rounds (`make unit`: 10,000), the walks of the models
	POLSO_ROUNDS=5000 go test -timeout 30m -run '^(TestNeverTwoHolders|TestWithoutLease)$$' ./consensus
	go test -timeout 30m ./consensus/lease ./tools/model

alone: ## and what does not do well beside others: the writer that is killed, the laboratory's units, the tools, one test by its tag, what docs have typed, real servers
	@log=$$(mktemp); POLSO_LAB=require go test -run '^TestDocsAreTyped$$' ./cmd/polso >$$log 2>&1 & typed=$$!; failed=0; \
	go test ./consensus/store || failed=1; \
	go test ./lab/... $$(go list ./tools/... | grep -v /model) || failed=1; \
	go test -tags lab -run TestClockLeaps ./agent || failed=1; \
	$(MAKE) --no-print-directory servers || failed=1; \
	wait $$typed || failed=1; cat $$log; rm $$log; exit $$failed

servers: ## every kind of check against real servers, in every state: the table of docs/checks.md; installs them, and starts no service
	@dpkg -s $(SERVERS) >/dev/null 2>&1 || { \
	  if [ ! -e /usr/sbin/policy-rc.d ]; then trap 'rm -f /usr/sbin/policy-rc.d' EXIT; printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d; fi; \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(SERVERS); } >&2
	POLSO_SERVERS=1 go test -count=1 -parallel 8 -run '^Test(RealServers|ServersTable|AgentWords)' ./health

web: browsers ## the web interface of three routers, in Chromium and in w3m (three minutes), and the documentation's site; one test: RUN=TestX
	$(call in_web,12m,-test.run '^$(or $(RUN),Test)')
	$(if $(RUN),,POLSO_WEB=1 go test -count=1 -run '^TestBrowser$$' ./tools/site)

site: build ## the documentation as a site, its reference made of the code: dist/site/index.html
	go run ./tools/site --polso bin/polso --out dist/site

pictures: ## the pictures of docs/concepts.md, drawn anew: docs/pictures
	go run ./tools/pictures

web-lab: browsers lab-binaries ## Chromium at routers that balance with a real kernel, through a forwarded port, while the director is killed
	cd web/browser && POLSO_WEB_LAB=1 ../../$(LABBIN)/web.test -test.v -test.run '^TestRealKernel$$'

screenshots: browsers ## pictures of every page of the web interface, light and dark, desktop and phone: docs/screenshots
	rm -f docs/screenshots/*.png
	POLSO_WEB_SHOTS=$(CURDIR)/docs/screenshots $(call in_web,10m,-test.run Screenshots)

webbench: browsers ## pages of 1,000 virtual servers with 10,000 servers beside pages of ten: opening, frames while live
	POLSO_WEB_BENCH=1 $(call in_web,20m,-test.run BigPage -test.timeout 20m)

browsers: build
	@dpkg -s $(BROWSERS) >/dev/null 2>&1 || { \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(BROWSERS); } >&2
	go test -c -o $(LABBIN)/web.test ./web/browser

# in_web runs the browsers' tests in namespaces of their own: how long they may take, and their flags.
in_web = POLSO_WEB=1 $(LABVM) --mode direct --timeout $(1) -- sh -c "cd web/browser && exec ../../$(LABBIN)/web.test -test.v $(2)"

model: ## every state of small clusters under the lease's rules, and each rule switched off: the tables of docs/safety.md
	go run ./tools/model --docs docs/safety.md

ROUNDS ?= 100000
rounds: ## 100,000 rounds of faults in virtual time on real raft, and a twentieth without the lease; ROUNDS=N
	POLSO_ROUNDS=$(ROUNDS) go test -count=1 -timeout 0 -v -run '^(TestNeverTwoHolders|TestWithoutLease)$$' ./consensus

lab: build lab-binaries ## the scenarios on a kernel with real IPVS
	POLSO_LAB=require $(LABVM) --timeout 45m -- lab/run.sh $(LABBIN)

lab-all: build lab-binaries previous ## the same, every fault ten times
	POLSO_LAB=require POLSO_LAB_LONG=1 $(LABVM) --timeout 90m -- lab/run.sh $(LABBIN)


scenario: build lab-binaries previous ## one of the laboratory's scenarios and what it logs: RUN=TestForms, RUN=TestOneCluster//Drain
	POLSO_LAB=require $(LABVM) --timeout 25m -- sh -c 'export POLSO_LAB_SCENARIO=1; cd lab && exec ../$(LABBIN)/lab.test -test.v -test.run "^$(RUN)\$$"'

FAULTS ?= --rounds 200
faults: lab-binaries ## 200 rounds of seeded faults under traffic and writes; FAULTS="--seed N --round N" repeats one
	$(LABVM) --timeout 90m -- $(LABBIN)/faults --polso $(LABBIN)/polso $(FAULTS)

bench: build lab-binaries ## failover and switchover gaps beside keepalived's, in one run: on this kernel, then on one with IPVS
	$(LABVM) --mode direct --timeout 60m --need keepalived -- $(LABBIN)/bench --polso bin/polso --kernel simulated
	$(LABVM) --timeout 60m --need keepalived -- $(LABBIN)/bench --polso bin/polso

FLOWS ?= --flows 100 --runs 10
flows: build lab-binaries ## connections that a failover breaks, beside keepalived's with its sync daemon, in one run
	$(LABVM) --timeout 60m --need keepalived -- $(LABBIN)/bench --polso bin/polso $(FLOWS)

SIZES ?= 100x10,1000x10,2284x16
ONLY ?= table,routers
RUNS ?= 3
scale: build lab-binaries ## what the size of a table costs, beside ipvsadm -R and keepalived; SIZES="100x10", ONLY="table", RUNS=1
	$(LABVM) --timeout 60m --mem 4G --need ipvsadm --need keepalived -- $(LABBIN)/scale --polso bin/polso --sizes $(SIZES) --only $(ONLY) --runs $(RUNS)

scale-switch: build lab-binaries ## what the size of a table costs a takeover, on this kernel: simulated tables, real addresses; SIZES="100x10", RUNS=5
	$(LABVM) --mode direct --timeout 30m -- $(LABBIN)/scale --polso bin/polso --sizes $(SIZES) --only switch --runs $(RUNS)

CHECKS ?= --rates 200,500
checks: build lab-binaries ## what a check of a server costs its prober, beside keepalived's checkers; CHECKS="--rates 200 --kinds tcp --for 20s"
	$(LABVM) --timeout 60m --need keepalived -- $(LABBIN)/checks --polso bin/polso $(CHECKS)

ARCHS ?= $(shell go env GOARCH)
packages: ## deb, rpm, tar, bills of materials and checksums into dist/; ARCHS="amd64 arm64"
	contrib/packages/build.sh $(VERSION) $(COMMIT) $(ARCHS)

packages-test: ## those built twice, compared, and put into and out of a clean Debian; the unit under systemd's eye
	contrib/packages/test.sh

alerts: build ## promtool's word on the alert rules, each tried on series, and on what a router tells
	contrib/metrics/test.sh

packages-lab: packages-test ## the same unit, with systemd as init, on a kernel with real IPVS
	$(LABVM) --timeout 10m --need systemd-nspawn=systemd-container -- contrib/packages/under-systemd.sh $(CURDIR)/.lab/debian-live real

container: build ## the image of contrib/Containerfile, polso:latest, by buildah
	@command -v buildah >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends buildah; } >&2
	contrib/packages/container.sh

previous: ## the release before this one, .lab/bin/polso-previous: PREVIOUS=TAG
	@commit=$$(git rev-parse --quiet --verify '$(PREVIOUS)^{commit}' 2>/dev/null) || { rm -f $(LABBIN)/polso-previous; \
	  echo "previous: this clone has no commit $(PREVIOUS) (git fetch --unshallow --tags gets it); TestRollingUpgrade fails without it" >&2; exit 0; }; \
	tree=$$PWD/.lab/previous-$$commit; bin=$$PWD/$(LABBIN)/polso-previous; mkdir -p $(LABBIN); \
	[ "$$(cat "$$bin.commit" 2>/dev/null)" = "$$commit" ] && [ -x "$$bin" ] && exit 0; \
	trap 'git worktree remove --force "$$tree"' EXIT; git worktree add --quiet --force --detach "$$tree" "$$commit"; \
	(cd "$$tree" && go build -trimpath -ldflags "-X main.version=$$(git describe --tags --match 'v[0-9]*' --always) -X main.commit=$$(git rev-parse --short=12 "$$commit")" -o "$$bin" ./cmd/polso); \
	echo "$$commit" >"$$bin.commit"

lab-binaries:
	mkdir -p $(LABBIN)
	go test -c -o $(LABBIN)/ipvs.test ./ipvs
	go test -c -o $(LABBIN)/vip.test ./vip
	go test -c -o $(LABBIN)/detour.test ./detour
	go test -c -o $(LABBIN)/realserver.test ./realserver
	go test -c -o $(LABBIN)/lab.test ./lab
	go build -o $(LABBIN)/ ./lab/demo ./lab/bench ./lab/scale ./lab/checks ./lab/faults ./lab/stage
	go build -trimpath -tags lab -ldflags '-X main.version=$(VERSION)-lab -X main.commit=$(COMMIT)' -o $(LABBIN)/polso ./cmd/polso

fuzz: ## every fuzz target for 30 seconds
	go list ./... | while read -r pkg; do \
	  for f in $$(go test -list '^Fuzz' "$$pkg" | grep '^Fuzz' || true); do \
	    echo "$$pkg $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime 30s "$$pkg"; done; done

lint: ## gofmt, go vet, staticcheck, the architecture test
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "gofmt wants: $$unformatted"; exit 1; }
	go vet ./...
	go vet -tags lab ./agent ./config
	go run $(STATICCHECK) ./...
	go test -count=1 ./tools/arch

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14
