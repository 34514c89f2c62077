"""The lean transport over TLS, with credentials, against the fake server's own protocol."""

import asyncio
import socket
import ssl
import subprocess
import threading

import numpy as np
import pytest
import uvloop

from loadtest.fake_server import FakeServerOptions
from loadtest.fake_server.answers import Description
from loadtest.fake_server.behaviour import Behaviour
from loadtest.fake_server.delayed_answers import DelayedAnswers
from loadtest.fake_server.http_protocol import HttpProtocol, Responses
from loadtest.open_loop.load import ServerAddress
from tests.loadtest.driven import drive_quietly, load_of


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    return folder


class Recording(HttpProtocol):
    heads: list[bytes] = []  # noqa: RUF012 - of all connections

    def data_received(self, data):
        self.heads.append(data[:600].lower())
        super().data_received(data)


@pytest.fixture
def port(certificate):
    """A server in a thread of this process; yields its port."""
    started = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "certificate.pem", certificate / "key.pem")
    loop = uvloop.new_event_loop()

    async def serve():
        options = FakeServerOptions()
        behaviour = Behaviour(options)
        answers = DelayedAnswers(behaviour, loop)
        await loop.create_server(
            lambda: Recording(
                description=Description(options, behaviour), responses=Responses(options.model), answers=answers
            ),
            sock=listener,
            ssl=context,
        )
        started.set()

    loop.create_task(serve())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    assert started.wait(10)
    yield listener.getsockname()[1]
    # Until the connections of a client that has just gone are closed on this side, too.
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0.5), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def test_requests_go_over_tls_with_their_headers(port, certificate):
    address = ServerAddress(
        url=f"https://127.0.0.1:{port}/gateway",
        headers={"Authorization": "Bearer abc"},
        ca_certificate=str(certificate / "certificate.pem"),
    )
    load = load_of(address.url, np.arange(0, 0.5, 0.02), address=address)
    Recording.heads.clear()
    samples = drive_quietly(load)
    # The path has a prefix, which the fake server does not know: what matters is what it was sent.
    kinds = samples.unreachable
    assert kinds is not None
    assert kinds[0] == "ServerError"
    assert "/gateway/v2/models/detect/infer" in kinds[1]
    assert b"authorization: bearer abc\r\n" in Recording.heads[0]


def test_answers_come_back_over_tls(port, certificate):
    address = ServerAddress(url=f"https://127.0.0.1:{port}", ca_certificate=str(certificate / "certificate.pem"))
    samples = drive_quietly(load_of(address.url, np.arange(0, 0.5, 0.02), address=address, connections=2))
    assert samples.is_answered.all()


def test_a_certificate_that_nobody_trusts_is_said_before_the_load(port):
    samples = drive_quietly(load_of(f"https://127.0.0.1:{port}", np.arange(0, 0.5, 0.02)))
    assert samples.unreachable is not None
    assert samples.unreachable[0] == "UnavailableError"
    assert "certificate" in samples.unreachable[1].lower()
