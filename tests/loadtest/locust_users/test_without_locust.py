import subprocess
import sys

from tests.conftest import REPO_ROOT

FREE = ("exact_latencies", "closed_loop_verdict", "options", "photo_stream", "profile_clock", "session", "summary")


def test_what_is_tested_in_process_leaves_the_sockets_of_the_process_alone():
    modules = ", ".join(f"loadtest.locust_users.{name}" for name in FREE)
    code = f"import socket; before = socket.socket; import {modules}, sys; assert socket.socket is before; "
    code += "assert 'locust' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=REPO_ROOT, check=True)
