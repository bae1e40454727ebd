#!/usr/bin/env bash
# usage: history.sh begin|keep FOLDER
# begin: FOLDER becomes what the branch latency-history of origin has of results/history, or what this work tree has.
# keep: what grew in FOLDER becomes the next commit of that branch, which starts at this commit and holds nothing else
#   of its own.
set -euo pipefail
shopt -s nullglob
branch=latency-history folder=$2 tree=build/ci/history

stop() {
  echo "history.sh: $1" >&2
  exit 1
}

# Whether origin has the branch, which is then fetched. What cannot be asked is no answer: a history would begin anew.
there() {
  local code=0
  git remote get-url origin > /dev/null 2>&1 || return 1
  git ls-remote -q --exit-code origin "refs/heads/$branch" > /dev/null || code=$?
  case $code in
    0) git fetch -q origin "+refs/heads/$branch:refs/remotes/origin/$branch" || stop "$branch cannot be fetched." ;;
    2) return 1 ;;
    *) stop "origin does not say whether it has $branch (exit code $code of git ls-remote)." ;;
  esac
}

begin() {
  rm -rf "$folder"
  mkdir -p "$folder"
  if there; then
    git archive "origin/$branch" results/history | tar -x -C "$folder" --strip-components=2
  elif [ -d results/history ]; then
    cp -R results/history/. "$folder"
  fi
}

# grown OLD NEW: whether NEW is OLD, if there is one, and whole lines after it.
grown() {
  test ! -L "$2" && test -z "$(tail -c 1 "$2")" || return 1
  test ! -e "$1" || cmp -s -n "$(wc -c < "$1")" "$1" "$2"
}

keep() {
  local start=HEAD file target
  if there; then start=origin/$branch; fi
  git worktree remove --force "$tree" 2>/dev/null || rm -rf "$tree"
  git worktree prune
  git worktree add -q --detach "$tree" "$start"
  mkdir -p "$tree/results/history"
  for file in "$folder"/*.jsonl; do
    target=$tree/results/history/${file##*/}
    grown "$target" "$file" || stop "$file is not what $branch has and then whole lines; begin again."
    cp "$file" "$target"
  done
  cd "$tree"
  git add results/history
  git diff --cached --quiet && exit 0
  git -c user.name=lic-bench -c user.email=lic-bench@users.noreply.github.com commit -q -m "history: $(date -u +%F)"
  git push -q origin "HEAD:refs/heads/$branch"
}

"$1"
