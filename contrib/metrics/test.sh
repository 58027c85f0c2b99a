#!/usr/bin/env bash
# What Prometheus' own tool says of the alert rules, of what a router tells and of what the dashboard, the alerts and docs ask. promtool comes from Debian's package prometheus, unpacked
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
for i in $(seq 50); do # a check is a result once a server has been asked
	scrape
	! grep -q '^polso_check_results_total{' "$work/metrics" || break
	sleep 0.2
done
grep -q '^polso_server_up{' "$work/metrics" || die "no server is told"
status=0
"$promtool" check metrics <"$work/metrics" >"$work/lint" 2>&1 || status=$?
# 3: what it would name otherwise. How the raft library names its own is the library's affair.
[ $status = 0 ] || [ $status = 3 ] || { cat "$work/lint" >&2; die "this is no exposition of metrics"; }
! grep -v '^polso_raft_lib_' "$work/lint" || die "promtool complains"
grep -q '^polso_raft_lib_' "$work/metrics" || die "the raft library tells nothing"

say "what the dashboard asks"
# One expression a line, as JSON has it: a string of JSON is one of YAML too. Grafana's own variables become what Prometheus can read.
sed -nE 's/^ *"expr": *(".*"),?$/\1/p' contrib/metrics/dashboard.json |
	sed -E 's/\$\{?__(rate_interval|interval|range)\}?/5m/g; s/\$\{?[a-z_]+(:[a-z]+)?\}?/x/g' >"$work/asked"
[ -s "$work/asked" ] && [ "$(grep -o '"expr"' contrib/metrics/dashboard.json | wc -l)" = "$(wc -l <"$work/asked")" ] ||
	die "not every expression of the dashboard is on a line of its own"
awk 'BEGIN { print "groups:\n- name: dashboard\n  rules:" } { printf "  - record: panel:%d\n    expr: %s\n", NR, $0 }' "$work/asked" >"$work/dashboard.yaml"
"$promtool" check rules "$work/dashboard.yaml"
# The names of metrics: what is no string, label, range, function or word of PromQL.
names() {
	sed -E "s/^\"|\"\$//g; s/\\\\\"[^\"]*\"|'[^']*'|\{[^}]*\}|\[[^]]*\]//g
		s/\\b(by|without|on|ignoring|group_left|group_right) *\([^)]*\)//g; s/[A-Za-z_:][A-Za-z0-9_:]* *\(/(/g" "$@" |
		grep -oE '\b[A-Za-z_:][A-Za-z0-9_:]*' | grep -vxE 'and|or|unless|bool|offset|group_left|group_right' | sort -u
}
# What a router cannot tell before something has happened to it: a name a line, and why. So far nothing that is asked for is of that kind.
sed 's/ .*//' >"$work/later" <<-'END'
END
sed -E '/^#/d; s/[{ ].*//' "$work/metrics" | sort -u - "$work/later" >"$work/told"
known() { # WHO, and a name a line
	comm -23 - "$work/told" >"$work/unknown"
	[ ! -s "$work/unknown" ] || die "$1 for what no router tells: $(paste -sd ' ' "$work/unknown")"
}
names "$work/asked" | known "the dashboard asks"
printf '%s expressions, of %s metrics\n' "$(wc -l <"$work/asked")" "$(names "$work/asked" | wc -l)"
printf '%s series, %s of them ours\n' "$(grep -vc '^#' "$work/metrics")" "$(grep -c '^polso_' "$work/metrics")"

say "what the alerts and their pages ask"
sed -nE 's/^ *expr: *//p' contrib/metrics/alerts.yaml >"$work/alerts"
[ -s "$work/alerts" ] && [ "$(grep -c 'alert:' contrib/metrics/alerts.yaml)" = "$(wc -l <"$work/alerts")" ] || die "not every expression of the alerts is on a line of its own"
names "$work/alerts" | grep -vx up | known "an alert asks" # up is Prometheus' own
grep -hoE '\bpolso_[a-z_]*[a-z]' docs/alarms/*.md | sort -u | known "the page of an alarm looks"
# The table of docs/metrics.md has every name once, a histogram without its parts.
sed -nE 's/^\| `(polso_[a-z_]+)`.*/\1/p' docs/metrics.md | sed -E 's/^polso_(takeover|pass)_seconds$/&_bucket/' | sort >"$work/table"
[ -s "$work/table" ] || die "docs/metrics.md has no table"
known "docs/metrics.md has a row" <"$work/table"
printf '%s alerts, of %s metrics; %s rows in docs/metrics.md\n' "$(wc -l <"$work/alerts")" "$(names "$work/alerts" | wc -l)" "$(wc -l <"$work/table")"

say "how Prometheus comes by them, as docs/metrics.md has it"
sed -n '/^```yaml$/,/^```$/p' docs/metrics.md | sed '/^```/d' >"$work/prometheus.yaml"
"$promtool" check config --syntax-only "$work/prometheus.yaml"
