"""One tritonserver process, from start to the last of its helpers."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from serving.orphan_guard import release_guard, start_guard
from serving.stub_processes import StubProcess, end_stubs, find_stubs, remove_shared_memory

# tritonserver spends at most its exit timeout on requests in flight and the same again on unloading models.
STOP_MARGIN_S = 2.0


class TritonProcess:
    """A running tritonserver, the guard beside it and the stubs below it."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log_path: Path) -> None:
        """Start the process; models load meanwhile.

        Args:
            arguments: Program and arguments.
            environment: Its whole environment.
            log_path: File to which its output is appended.
        """
        with log_path.open("ab") as log:
            self._popen = subprocess.Popen(
                arguments,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal goes to the launcher alone, which then stops this in good order.
                start_new_session=True,
            )
        self._stubs: list[StubProcess] = []
        self._seen_stubs: set[StubProcess] = set()
        self._is_cleaned_up = False
        try:
            self._guard = start_guard(self.pid)
        except BaseException:
            self._popen.kill()
            raise

    @property
    def pid(self) -> int:
        """Process id of tritonserver."""
        return self._popen.pid

    def poll_exit_code(self) -> int | None:
        """Return the exit code, or None while it runs; below 0 is the signal that ended it."""
        return self._popen.poll()

    def wait(self) -> int:
        """Block until it has ended; return the exit code."""
        return self._popen.wait()

    @property
    def stubs(self) -> list[StubProcess]:
        """The model processes that ``remember_stubs`` found last; some may have died since."""
        return self._stubs

    def remember_stubs(self) -> None:
        """Note which model processes run. Call while models load and once they are: later they do not change."""
        self._stubs = find_stubs(self.pid)
        self._seen_stubs.update(self._stubs)

    def stop(self, exit_timeout_s: float) -> None:
        """Let requests in flight finish, then end everything. Returns when no process is left.

        Args:
            exit_timeout_s: The ``--exit-timeout-secs`` that tritonserver was started with; it is killed soon
                after.
        """
        try:
            self._popen.terminate()
            self._popen.wait(exit_timeout_s + STOP_MARGIN_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            # Also after an impatient second Ctrl-C.
            self.kill()

    def kill(self) -> None:
        """End everything at once: callers in flight see their connection closed. Safe to repeat."""
        if self._is_cleaned_up:
            return
        self._popen.kill()
        self._popen.wait()
        end_stubs(self.pid)
        # Those of stubs that died before, which nobody can find any more.
        for stub in self._seen_stubs:
            remove_shared_memory(stub)
        with contextlib.suppress(OSError):
            release_guard(self._guard)
        self._is_cleaned_up = True
