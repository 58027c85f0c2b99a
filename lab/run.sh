#!/bin/sh
# Runs every test binary of the laboratory in one boot: run.sh FOLDER [test flags]. Each runs even if one before it failed.
set -u
bin=$1
shift
failed=
for t in ipvs vip lab; do
	echo "=== $t"
	"$bin/$t.test" -test.timeout 40m "$@" || failed="$failed $t"
done
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
