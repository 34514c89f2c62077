"""Ports are picked, checked and named by their option."""

import socket

import pytest

from serving.errors import PortUnavailableError
from serving.ports import resolve_ports

HOST = "127.0.0.1"


def test_zero_picks_three_different_free_ports() -> None:
    ports = resolve_ports(HOST, http=0, grpc=0, metrics=0)
    assert len({ports.http, ports.grpc, ports.metrics}) == 3
    for port in (ports.http, ports.grpc, ports.metrics):
        with socket.create_server((HOST, port)):
            pass


def test_a_wanted_port_is_kept_and_not_picked_twice() -> None:
    wanted = resolve_ports(HOST, http=0, grpc=0, metrics=0).grpc
    ports = resolve_ports(HOST, http=0, grpc=wanted, metrics=0)
    assert ports.grpc == wanted
    assert wanted not in (ports.http, ports.metrics)


def test_the_same_port_twice_is_refused() -> None:
    port = resolve_ports(HOST, http=0, grpc=0, metrics=0).http
    with pytest.raises(PortUnavailableError, match=f"port {port} .*is taken.*--grpc-port"):
        resolve_ports(HOST, http=port, grpc=port, metrics=0)


def test_a_taken_port_is_refused_with_the_ways_out() -> None:
    with socket.create_server((HOST, 0)) as other_program:
        port = other_program.getsockname()[1]
        with pytest.raises(PortUnavailableError) as raised:
            resolve_ports(HOST, http=0, grpc=0, metrics=port)
    message = str(raised.value)
    assert f"port {port} on {HOST} is taken" in message
    assert "--metrics-port N" in message
    assert "--metrics-port 0" in message
    assert f"ss -ltnp 'sport = :{port}'" in message


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(PortUnavailableError, match=rf"--http-port must be 0 .* to 65535, got {port}"):
        resolve_ports(HOST, http=port, grpc=0, metrics=0)


def test_an_address_of_another_machine_is_refused() -> None:
    # 192.0.2.0/24 is reserved for documentation: no machine has it.
    with pytest.raises(PortUnavailableError, match=r"cannot listen on 192\.0\.2\.1:0.*--host"):
        resolve_ports("192.0.2.1", http=0, grpc=0, metrics=0)
