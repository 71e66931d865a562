"""Runs dvc commands in forked children of one process that has imported dvc: starting it anew costs half a second each time.

Reads requests {"argv", "cwd", "env"} as JSON from one named pipe and writes answers {"code", "stdout", "stderr"} to another. What a child had to load
for its command the next ones find loaded: that is most of what a command takes.
"""

import gc
import importlib
import json
import os
import signal
import sys
import tempfile

import dvc.cli
import dvc.commands.add, dvc.commands.checkout, dvc.commands.commit, dvc.commands.data, dvc.commands.data_sync  # noqa: E401, F401
import dvc.commands.diff, dvc.commands.gc, dvc.commands.ls, dvc.commands.move, dvc.commands.remove, dvc.commands.status  # noqa: E401, F401
import dvc.repo.add, dvc.repo.checkout, dvc.repo.data, dvc.repo.diff, dvc.repo.gc, dvc.repo.ls, dvc.repo.push  # noqa: E401, F401

REQUESTS, ANSWERS = sys.argv[1], sys.argv[2]
PARENT = os.getppid()
# It looks for the user's configuration when it is loaded, which is another for each command.
BY_COMMAND = ("pygit2", "_pygit2", "scmrepo.git.backend.pygit2")
# Threads of its own answer its calls, and a child that is forked after it was loaded has none of them: it would wait for ever.
NOT_FORKED = "grpc"


def leave_with_parent(_signal, _frame):
    if os.getppid() != PARENT:
        os._exit(0)


def child(request, out, err, loaded):
    before = set(sys.modules)
    for number in (signal.SIGALRM,):
        signal.signal(number, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    code = dvc.cli.main(request["argv"])
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(loaded, "\n".join(name for name in sys.modules if name not in before).encode())
    os._exit(code)


def load(names):
    for name in names:
        if name == "__mp_main__" or name.split(".")[0] in BY_COMMAND or name.startswith(BY_COMMAND):
            continue
        try:
            importlib.import_module(name)
        except Exception:  # one that another puts there under a name of its own
            pass
    # What is never looked at again is not copied for each child.
    gc.collect()
    gc.freeze()


def answer(request):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as loaded:
        pid = os.fork()
        if pid == 0:
            try:
                child(request, out.fileno(), err.fileno(), loaded.fileno())
            finally:
                os._exit(255)
        _, status = os.waitpid(pid, 0)
        out.seek(0)
        err.seek(0)
        loaded.seek(0)
        texts = [stream.read().decode("utf-8", "replace") for stream in (out, err, loaded)]
        reply = {"code": os.waitstatus_to_exitcode(status), "stdout": texts[0], "stderr": texts[1]}
        return reply, texts[2].split()


signal.signal(signal.SIGALRM, leave_with_parent)
signal.setitimer(signal.ITIMER_REAL, 5, 5)
while True:
    with open(REQUESTS, encoding="utf-8") as pipe:
        text = pipe.read()
    if text:
        reply, names = answer(json.loads(text))
        with open(ANSWERS, "w", encoding="utf-8") as pipe:
            pipe.write(json.dumps(reply))
        if names and NOT_FORKED not in names:
            load(names)
