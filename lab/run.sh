#!/bin/sh
# Runs everything that proves something in the laboratory, in one boot: every test binary in its package's folder, and some
# rounds of faults: run.sh FOLDER [test flags]. One that fails does not keep the others from running. Each says how long it took.
set -u
trap "exit 143" TERM
bin=$(cd "$1" && pwd)
shift
seconds() { read -r up _ </proc/uptime && echo "${up%.*}"; } # faults set the wall clock
rounds=12
# What asks nothing of a kernel and much of a processor: `make race` has it, and an emulated processor is ten times slower.
pure='^(TestPlanExhaustively|TestPlanOnLargerTables|TestConnectionsAreNotHeld|TestManyAddressesAreAnnouncedInTurn)$'
[ -z "${POLSO_LAB_LONG:-}" ] || { rounds=40 pure='^$'; }

one() { # a package and what it is tried with; its status
	began=$(seconds)
	echo "=== $1"
	case $1 in
	faults) "$bin/faults" --polso "$bin/polso" --seed 1 --rounds $rounds --for $((rounds * 12))s ;;
	*) (cd "$1" && shift && "$bin/${PWD##*/}.test" -test.timeout 40m -test.skip "$pure" "$@") ;;
	esac
	status=$?
	echo "=== $1: $(($(seconds) - began)) s"
	return $status
}

failed=
# It waits for the programs that it starts, and measures nothing: beside others that measure nothing.
said=$(mktemp)
one realserver "$@" >"$said" 2>&1 &
beside=$!
for t in ipvs detour; do
	one "$t" "$@" || failed="$failed $t"
done
wait $beside || failed="$failed realserver"
cat "$said"
rm "$said"
for t in vip lab faults; do
	one "$t" "$@" || failed="$failed $t"
done
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
