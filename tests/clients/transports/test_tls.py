"""Encryption, with a certificate of the caller's own authority."""

import ssl
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from tritonclient.grpc import service_pb2_grpc

from genod_client import InvalidInputError, RetryPolicy, UnavailableError
from tests.clients import servers
from tests.clients.answers import expected_detections
from tests.clients.calls import BOTH_CLIENTS

ONCE = RetryPolicy(max_attempts=1)


@pytest.fixture
def https_server(tls_files):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls_files)

    def handle(connection, server):
        with context.wrap_socket(connection, server_side=True) as encrypted:
            servers.first_then_good()(encrypted, server)

    with servers.socket_server(handle) as server:
        yield f"https://127.0.0.1:{server.port}"


@pytest.fixture
def grpcs_server(tls_files):
    certificate, key = (file.read_bytes() for file in tls_files)
    server = grpc.server(ThreadPoolExecutor(2))
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servers.GrpcServicer([]), server)
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, certificate)]))
    server.start()
    yield f"grpcs://127.0.0.1:{port}"
    server.stop(grace=None).wait()


@BOTH_CLIENTS
@pytest.mark.parametrize("server", ["https_server", "grpcs_server"])
def test_a_server_is_trusted_by_the_given_certificate_only(call, server, request, tls_files):
    url = request.getfixturevalue(server)
    found = call(url, "detect", b"photo", ca_certificate=tls_files[0])
    assert found == expected_detections()
    with pytest.raises(UnavailableError, match=r"(?i)certificate|ssl|tls"):
        call(url, "detect", b"photo", retry_policy=ONCE)


def test_a_file_that_holds_no_certificate_is_refused(tmp_path, https_server):
    from tests.clients.calls import call_sync

    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(InvalidInputError, match="is not a PEM file of certificates"):
        call_sync(https_server, "detect", b"photo", ca_certificate=tmp_path / "ca.pem")
