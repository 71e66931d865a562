"""Runs one command in a pseudo-terminal: {command, width, keys} on stdin, {code, text} on stdout.

Keys are typed when the text they wait for has been shown since the ones before, never by the clock. What has not ended after 50
seconds is killed: code -9, and the text tells how far it came.
"""
import fcntl
import json
import os
import pty
import signal
import struct
import sys
import termios
import time

asked = json.load(sys.stdin)
size = struct.pack("HHHH", 50, asked["width"], 0, 0)
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, size)
    os.execvp(asked["command"][0], asked["command"])

signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
signal.alarm(50)
shown = b""
seen = 0
keys = list(asked["keys"])
while True:
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    if not piece:
        break
    shown += piece
    # Shells ask the terminal what it is and wait for the answer.
    if b"\x1b[c" in piece or b"\x1b[0c" in piece:
        os.write(terminal, b"\x1b[?62;c")
    while keys and keys[0][0].encode() in shown[seen:]:
        after, typed = keys.pop(0)
        seen = shown.index(after.encode(), seen) + len(after.encode())
        time.sleep(0.05)
        os.write(terminal, typed.encode())
_, status = os.waitpid(pid, 0)
print(json.dumps({"code": os.waitstatus_to_exitcode(status), "text": shown.decode("utf-8", "replace")}))
