#!/usr/bin/env bash
# usage: base.sh change|night
# Prints the commit that this one is compared with: BASE of the environment, else
# change: the commit where this one left MAIN [origin/main];
# night: the last tag, so that many small steps add up until the next one; without a tag where this branch was a day
#   ago.
set -euo pipefail
main=${MAIN:-origin/main}

stop() {
  echo "base.sh: $1; give BASE=COMMIT, as BASE=HEAD for what is committed." >&2
  exit 2
}

night() {
  git describe --tags --abbrev=0 2>/dev/null || git rev-list -1 --first-parent --before='24 hours ago' HEAD
}

if [ -n "${BASE:-}" ]; then
  commit=$(git rev-parse -q --verify "$BASE^{commit}" 2>/dev/null) || stop "BASE=$BASE is no commit of this repository"
elif [ "$1" = change ]; then
  commit=$(git merge-base HEAD "$main" 2>/dev/null) || stop "HEAD and MAIN=$main have no commit in common here"
else
  commit=$(night)
  test -n "$commit" || stop "no tag, and no commit that is a day old"
fi
echo "$commit"
