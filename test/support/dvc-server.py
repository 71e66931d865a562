"""Runs dvc commands in forked children of one process that has imported dvc: starting it anew costs half a second each time.

Reads requests {"argv", "cwd", "env"} as JSON from one named pipe and writes answers {"code", "stdout", "stderr"} to another.
"""

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


def leave_with_parent(_signal, _frame):
    if os.getppid() != PARENT:
        os._exit(0)


def child(request, out, err):
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
    os._exit(code)


def answer(request):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            try:
                child(request, out.fileno(), err.fileno())
            finally:
                os._exit(255)
        _, status = os.waitpid(pid, 0)
        out.seek(0)
        err.seek(0)
        texts = [stream.read().decode("utf-8", "replace") for stream in (out, err)]
        return {"code": os.waitstatus_to_exitcode(status), "stdout": texts[0], "stderr": texts[1]}


signal.signal(signal.SIGALRM, leave_with_parent)
signal.setitimer(signal.ITIMER_REAL, 5, 5)
while True:
    with open(REQUESTS, encoding="utf-8") as pipe:
        text = pipe.read()
    if text:
        reply = json.dumps(answer(json.loads(text)))
        with open(ANSWERS, "w", encoding="utf-8") as pipe:
            pipe.write(reply)
