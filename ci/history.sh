#!/usr/bin/env bash
# usage: history.sh begin|keep FOLDER
# begin: FOLDER becomes what the branch latency-history of origin has of results/history, or what this work tree has.
# keep: FOLDER becomes the next commit of that branch, which starts at this commit and holds nothing else of its own.
set -euo pipefail
branch=latency-history folder=$2 tree=build/ci/history

there() { git fetch -q origin "+$branch:refs/remotes/origin/$branch" 2>/dev/null; }

begin() {
  rm -rf "$folder"
  mkdir -p "$folder"
  if there; then
    git archive "origin/$branch" results/history | tar -x -C "$folder" --strip-components=2
  elif [ -d results/history ]; then
    cp -R results/history/. "$folder"
  fi
}

keep() {
  local start=HEAD
  if there; then start=origin/$branch; fi
  git worktree remove --force "$tree" 2>/dev/null || rm -rf "$tree"
  git worktree prune
  git worktree add -q --detach "$tree" "$start"
  mkdir -p "$tree/results/history"
  cp -R "$folder/." "$tree/results/history"
  cd "$tree"
  git add results/history
  git diff --cached --quiet && exit 0
  if git diff --cached --numstat | awk '$2 > 0 { lost = 1 } END { exit !lost }'; then
    echo "history.sh: $folder lacks lines that $branch has; it only grows: begin again." >&2
    exit 1
  fi
  git -c user.name=lic-bench -c user.email=lic-bench@users.noreply.github.com commit -q -m "history: $(date -u +%F)"
  git push -q origin "HEAD:refs/heads/$branch"
}

"$1"
