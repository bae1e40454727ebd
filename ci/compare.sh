#!/usr/bin/env bash
# usage: compare.sh OUT TREE PYTHON LIC-BENCH compare BASE NEW OPTIONS...
# The comparison, with what was accepted since the commit of the work tree TREE: OUT/comment.md, which is there whatever
# comes of it, compare.json and compare.xml; its exit code.
set -uo pipefail
out=$1 tree=$2 python=$3
shift 3
exec 3>&1
rm -f "$out"/{accepted.toml,comment.md,compare.json,compare.xml,refusal.txt}

compare() {
  "$python" "${BASH_SOURCE[0]%/*}/accepted.py" "$tree" > "$out/accepted.toml" || return
  "$@" --accepted "$out/accepted.toml" --markdown "$out/comment.md" --json "$out/compare.json" \
    --junit "$out/compare.xml" --github
}

compare "$@" 2>&1 >&3 | tee "$out/refusal.txt" >&2
code=${PIPESTATUS[0]}

if [ ! -e "$out/comment.md" ]; then
  printf '%s\n' '<!-- lic-bench compare -->' "### :x: Not compared (exit code $code)" '' '```' > "$out/comment.md"
  cat "$out/refusal.txt" >> "$out/comment.md"
  echo '```' >> "$out/comment.md"
fi
cat "$out/comment.md" >> "${GITHUB_STEP_SUMMARY:-/dev/null}"

if [ "$code" = 3 ]; then
  echo 'Not comparable (exit code 3): BASE and NEW differ in what is listed above, not in the code alone.' \
    'Let it pass by ALLOW="NAME ..." or, on a pull request, by the label allow-NAME.'
fi
exit "$code"
