#!/usr/bin/env bash
# What Prometheus' own tool says of the alert rules and of what a router tells. promtool comes from Debian's package prometheus, unpacked
# and not installed: no service is started here. Root, for a network of the agent's own.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
agent=
trap '[ -z "$agent" ] || kill "$agent" 2>/dev/null || true; rm -rf "$work"' EXIT

say() { printf '== %s\n' "$*"; }
die() { printf 'alerts: %s\n' "$*" >&2; exit 1; }

promtool=$(command -v promtool || echo "$PWD/.lab/bin/promtool")
if [ ! -x "$promtool" ]; then
	say "promtool, from Debian's package prometheus"
	(
		cd "$work"
		fetch() { apt-get -q -o APT::Sandbox::User=root download prometheus; }
		fetch || { apt-get update -q && fetch; }
		mkdir -p "${promtool%/*}"
		dpkg-deb --fsys-tarfile prometheus_*.deb | tar -xO ./usr/bin/promtool >promtool
		install -m 0755 promtool "$promtool"
	) >&2
fi

say "the rules"
"$promtool" check rules contrib/metrics/alerts.yaml
"$promtool" test rules contrib/metrics/alerts_test.yaml

say "what a router tells"
sed 's/interface *= *"[a-z]*"/interface = "dev0"/' docs/examples/web-nat.hcl >"$work/edge.hcl"
export POLSO_ADDR=unix://$work/polso.sock
# No port of this machine's is taken: a network of its own, with a loopback.
unshare --net sh -c 'ip link set lo up; exec bin/polso agent --dev --api none --socket "$1"' - "$work/polso.sock" >"$work/log" 2>&1 &
agent=$!
scrape() { curl -sf --unix-socket "$work/polso.sock" http://polso/metrics >"$work/metrics"; }
for i in $(seq 150); do
	! scrape || ! grep -q '^polso_director 1' "$work/metrics" || break
	[ "$i" -lt 150 ] || { cat "$work/log" >&2; die "no director within 30 s"; }
	sleep 0.2
done
bin/polso apply -f "$work/edge.hcl" --yes --wait 20s >/dev/null 2>"$work/said" || [ $? = 3 ] || { cat "$work/said" >&2; die "the document is refused"; }
scrape
grep -q '^polso_server_up{' "$work/metrics" || die "no server is told"
status=0
"$promtool" check metrics <"$work/metrics" >"$work/lint" 2>&1 || status=$?
# 3: what it would name otherwise. How the raft library names its own is the library's affair.
[ $status = 0 ] || [ $status = 3 ] || { cat "$work/lint" >&2; die "this is no exposition of metrics"; }
! grep -v '^polso_raft_lib_' "$work/lint" || die "promtool complains"
printf '%s series, %s of them ours\n' "$(grep -vc '^#' "$work/metrics")" "$(grep -c '^polso_' "$work/metrics")"
