#!/usr/bin/env bash
# usage: checkout.sh COMMIT FOLDER PYTHON
# A work tree of COMMIT in FOLDER, with a virtual environment: its own packages, or, where it asks for the same ones,
# those of PYTHON's environment, which are then the same versions and need neither minutes nor gigabytes again.
set -euo pipefail
commit=$(git rev-parse --verify "$1^{commit}")
folder=$2 python=$3
new=$PWD

git worktree prune
if [ -e "$folder/.git" ]; then
  git -C "$folder" checkout -q --force --detach "$commit"
else
  rm -rf "$folder"
  git worktree add -q --force --detach "$folder" "$commit"
fi

packages_of() { "$1" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }
packages=$(packages_of "$python")
cd "$folder"
echo "BASE is $(git log -1 --format='%h %s')"
if ! cmp -s pyproject.toml "$new/pyproject.toml"; then
  test ! -e .venv/shared || rm -rf .venv
  make .venv/.ready PYTHON="'$new/$python'"
  exit
fi
test "$(cat .venv/shared 2>/dev/null)" != "$commit" || exit 0
"$new/$python" -m venv --clear .venv
echo "$packages" > "$(packages_of .venv/bin/python)/shared.pth"
# setuptools too: it starts by a .pth file of its own, and those of a shared folder are not read.
.venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --ignore-installed setuptools -e .
echo "$commit" > .venv/shared
