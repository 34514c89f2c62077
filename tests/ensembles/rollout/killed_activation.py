"""Run `release activate`, and be killed before change number N: a rename in the folder, or a call of the server.

python -m tests.ensembles.rollout.killed_activation FOLDER RELEASE URL N
"""

import os
import signal
import sys
from pathlib import Path

from ensembles.rollout.grpc_control import GrpcControl
from ensembles.rollout_commands import activate_release
from tests.ensembles.rollout.toy_releases import QUIET, options


def die_before_change(point: int) -> None:
    seen = 0

    def counted(change):
        def wrapper(*arguments, **settings):
            nonlocal seen
            seen += 1
            if seen == point:
                os.kill(os.getpid(), signal.SIGKILL)
            return change(*arguments, **settings)

        return wrapper

    for owner, names in ((GrpcControl, ("load", "unload")), (os, ("replace",))):
        for name in names:
            setattr(owner, name, counted(getattr(owner, name)))


if __name__ == "__main__":
    folder, release, url, point = sys.argv[1:]
    die_before_change(int(point))
    activate_release(options(Path(folder), number=int(release), url=url), QUIET)
