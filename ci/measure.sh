#!/usr/bin/env bash
# usage: measure.sh LIC-BENCH run OPTIONS... --out FOLDER
# The run, anew. Records that failed (exit code 1) are for the comparison to judge.
set -euo pipefail
rm -rf "${@: -1}"
code=0
"$@" || code=$?
[ "$code" -le 1 ] || exit "$code"
