#!/bin/sh
# Runs every test binary of the laboratory in one boot, each in its package's folder: run.sh FOLDER [test flags].
# One that fails does not keep the others from running.
set -u
bin=$(cd "$1" && pwd)
shift
failed=
for t in ipvs vip lab; do
	echo "=== $t"
	(cd "$t" && "$bin/$t.test" -test.timeout 40m "$@") || failed="$failed $t"
done
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
