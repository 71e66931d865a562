#!/usr/bin/env python3
"""The older skill's name for `expver tag`; same flags. Needs expver on the PATH, else npx."""
import os
import shutil
import sys

EXPVER = ["expver"] if shutil.which("expver") else ["npx", "--yes", "expver"]
SHORT = {"-v": "--version", "-l": "--list", "-s": "--show"}
words = [SHORT.get(word, word) for word in sys.argv[1:]]
os.execvp(EXPVER[0], [*EXPVER, "tag", *words])
