#!/bin/sh
# Runs everything that proves something in the laboratory, in one boot: every test binary in its package's folder, and some
# rounds of faults: run.sh FOLDER [test flags]. One that fails does not keep the others from running.
set -u
trap "exit 143" TERM
bin=$(cd "$1" && pwd)
shift
failed=
for t in ipvs vip realserver lab; do
	echo "=== $t"
	(cd "$t" && "$bin/$t.test" -test.timeout 40m "$@") || failed="$failed $t"
done
echo "=== faults"
"$bin/faults" --polso "$bin/polso" --seed 1 --rounds 20 --for 4m || failed="$failed faults"
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
