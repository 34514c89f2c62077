import os
import subprocess
import sys
import time

from loadtest.capacity.foreign_load import ForeignLoad
from loadtest.capacity.server_processes import SERVER_ITSELF, ServerProcesses


def test_another_programs_work_is_foreign():
    foreign = ForeignLoad(ServerProcesses({os.getpid(): SERVER_ITSELF}))
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.5: pass"], check=True)
    assert foreign.share() > 0.5 / (os.cpu_count() or 1) / 50  # however long it took on a busy machine


def test_the_servers_own_work_is_not_counted_as_anybody_elses():
    code = "import time\ntime.sleep(0.2)\nwhile time.process_time() < 1: pass\ntime.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        both, other = ForeignLoad(ServerProcesses({process.pid: "model"})), ForeignLoad(ServerProcesses({-1: "nobody"}))
        time.sleep(1.5)
        assert both.share() < other.share()
    finally:
        process.kill()
        process.wait()


def test_of_a_server_elsewhere_nothing_is_known():
    assert ForeignLoad(None).share() == 0.0
