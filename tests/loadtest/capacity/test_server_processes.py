import os
import socket

from loadtest.capacity.server_processes import SERVER_ITSELF, ServerProcesses


def test_the_process_behind_a_port_is_found_with_its_cpu_time():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        processes = ServerProcesses.listening_on(listening.getsockname()[1])
    assert processes is not None
    assert processes.model_by_pid == {os.getpid(): SERVER_ITSELF}
    before = processes.cpu_ms()[SERVER_ITSELF]
    while processes.cpu_ms()[SERVER_ITSELF] < before + 30:
        sum(range(10_000))


def test_nobody_behind_a_port_is_none():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert ServerProcesses.listening_on(port) is None
