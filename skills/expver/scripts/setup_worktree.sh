#!/bin/sh
# The older skill's name for `expver worktree create NAME`. The second argument, a shared cache, is not needed: worktrees use the main cache.
set -eu
name="${1:?Usage: setup_worktree.sh NAME}"
if command -v expver >/dev/null 2>&1; then exec expver worktree create "$name"; fi
exec npx --yes expver worktree create "$name"
