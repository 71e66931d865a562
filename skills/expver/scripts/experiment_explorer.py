#!/usr/bin/env python3
"""The older skill's name for `expver list`, `show`, `get`, `checkout`, `worktrees`, `cleanup`, `diff`; same flags. Needs expver on the PATH, else npx."""
import os
import shutil
import sys

EXPVER = ["expver"] if shutil.which("expver") else ["npx", "--yes", "expver"]
SHORT = {"-v": "--version", "-a": "--artifact"}
words = [SHORT.get(word, word) for word in sys.argv[1:]]
os.execvp(EXPVER[0], [*EXPVER, *(words or ["--help"])])
