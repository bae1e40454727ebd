#!/usr/bin/env bash
# usage: measure.sh base|new OUT LIC-BENCH run OPTIONS...
# The run, anew, in OUT. Failed records (exit code 1, and there is a run) of BASE are for the comparison to judge, as NEW
# may have mended them; those of NEW are an error: what fails in both would be the same in both.
set -euo pipefail
which=$1 out=$2
shift 2
rm -rf "$out"
code=0
"$@" --out "$out" || code=$?
test "$which $code" = 'base 1' && test -e "$out/run.json" || exit "$code"
