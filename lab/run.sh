#!/bin/sh
# Runs everything that proves something in the laboratory, in one boot: every test binary in its package's folder, and some
# rounds of faults: run.sh FOLDER [test flags]. One that fails does not keep the others from running. Each says how long it took.
set -u
trap "exit 143" TERM
bin=$(cd "$1" && pwd)
shift
seconds() { read -r up _ </proc/uptime && echo "${up%.*}"; } # faults set the wall clock
failed=
rounds=12
[ -z "${POLSO_LAB_LONG:-}" ] || rounds=40
for t in ipvs vip detour realserver lab faults; do
	echo "=== $t"
	began=$(seconds)
	case $t in
	faults) "$bin/faults" --polso "$bin/polso" --seed 1 --rounds $rounds --for $((rounds * 12))s ;;
	*) (cd "$t" && "$bin/$t.test" -test.timeout 40m "$@") ;;
	esac || failed="$failed $t"
	echo "=== $t: $(($(seconds) - began)) s"
done
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
