#!/usr/bin/env python3
"""The older skill's name for `expver merge`; same flags. A rebase shows its plan and needs --yes. Needs expver on the PATH, else npx."""
import os
import shutil
import sys

EXPVER = ["expver"] if shutil.which("expver") else ["npx", "--yes", "expver"]
os.execvp(EXPVER[0], [*EXPVER, "merge", *sys.argv[1:]])
