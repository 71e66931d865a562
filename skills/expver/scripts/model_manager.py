#!/usr/bin/env python3
"""The older skill's name for `expver models`; same sub-commands and flags. Needs expver on the PATH, else npx."""
import os
import shutil
import sys

EXPVER = ["expver"] if shutil.which("expver") else ["npx", "--yes", "expver"]
words = ["--file" if word == "--model-path" else word for word in sys.argv[1:]]
os.execvp(EXPVER[0], [*EXPVER, "models", *words])
