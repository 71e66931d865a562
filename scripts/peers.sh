#!/usr/bin/env bash
# Builds .venv-peers: the real dvc and xetrack that the tests hold our files against. Exits 1, saying so, where PyPI cannot be reached.
set -euo pipefail
cd "$(dirname "$0")/.."
pins=test/requirements-peers.txt
venv=.venv-peers
if [ -f "$venv/pins" ] && cmp -s "$pins" "$venv/pins"; then exit 0; fi
rm -rf "$venv"
python3 -m venv "$venv"
if ! "$venv/bin/pip" install -q --disable-pip-version-check -r "$pins"; then
  rm -rf "$venv"
  echo "peers: dvc and xetrack could not be installed from PyPI; tests that need them are skipped" >&2
  exit 1
fi
# xetrack's DuckDB engine wants DuckDB's sqlite extension where DuckDB would have downloaded it.
"$venv/bin/python" - <<'PYTHON'
import glob, os, platform, shutil, site
import duckdb
version = f"v{duckdb.__version__}"
machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
system = {"Linux": "linux", "Darwin": "osx"}.get(platform.system(), platform.system().lower())
for found in glob.glob(f"{site.getsitepackages()[0]}/**/extensions/{version}/sqlite_scanner.duckdb_extension", recursive=True):
    target = os.path.expanduser(f"~/.duckdb/extensions/{version}/{system}_{machine}")
    os.makedirs(target, exist_ok=True)
    shutil.copy(found, target)
PYTHON
cp "$pins" "$venv/pins"
