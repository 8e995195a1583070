"""A small process beside a training run: when the training is killed, it closes the run that was left behind in MLflow.

A killed process cannot say so itself. This one has a session of its own, waits on a pipe from the training, and loads
nothing until that pipe ends without a farewell. What it must know comes through the pipe, since other users can read
the arguments of a process.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

FAREWELL = "ended\n"


@contextmanager
def watch(**register: str) -> Iterator[None]:
    """Have a training watched for as long as the block lasts. ``register``: ``tracking_uri``, ``outcome`` and ``training``."""
    begin = f"import sys; sys.path[:] = {sys.path!r}; from models.watcher import main; main()"
    process = subprocess.Popen(  # noqa: S603  this Python and code of ours
        [sys.executable, "-c", begin],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    pipe = process.stdin
    assert pipe is not None  # noqa: S101  for the type checker: a pipe was asked for
    pipe.write(json.dumps(register) + "\n")
    pipe.flush()
    try:
        yield
    finally:
        with suppress(BrokenPipeError):  # the watcher itself was ended by somebody: nothing is left to tell it
            pipe.write(FAREWELL)
            pipe.close()
        process.wait()


def main() -> None:
    """Wait for the farewell; without one, close the run."""
    register = json.loads(sys.stdin.readline())
    if sys.stdin.readline() == FAREWELL:
        return
    from models.registry import Registry

    Registry(register["tracking_uri"], None, register["outcome"]).close_training(register["training"])
