import pytest

from genod_client.endpoint import parse_endpoint
from genod_client.errors import InvalidInputError


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("grpc://host:9001", "host:9001", ""),
        ("grpc://host", "host:8001", ""),
        ("http://host", "host:8000", ""),
        ("http://host:80/", "host:80", ""),
        ("https://gateway.example/triton/", "gateway.example:443", "/triton"),
        ("grpcs://10.0.0.7", "10.0.0.7:443", ""),
        ("grpc://[::1]:8001", "[::1]:8001", ""),
    ],
)
def test_an_address_is_read(url, authority, path):
    endpoint = parse_endpoint(url)
    assert (endpoint.authority, endpoint.path) == (authority, path)
    assert endpoint.is_grpc == url.startswith("grpc")
    assert endpoint.is_tls == url.startswith(("grpcs", "https"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host:8001",
        "ftp://host",
        "grpc://",
        "grpc://host:port",
        "grpc://host:99999",
        "http://me:secret@host",
        "http://h?x=1",
        None,
    ],
)
def test_anything_else_is_refused_with_an_example_of_what_is_right(url):
    with pytest.raises(InvalidInputError, match="an address looks like grpc://host:8001"):
        parse_endpoint(url)


def test_a_grpc_address_has_no_path():
    with pytest.raises(InvalidInputError, match="has no path"):
        parse_endpoint("grpc://host/triton")


def test_header_names_become_lower_case_as_grpc_demands():
    endpoint = parse_endpoint("grpc://host", headers={"Triton-GRPC-Protocol-Key": "abc"})
    assert dict(endpoint.headers) == {"triton-grpc-protocol-key": "abc"}


@pytest.mark.parametrize("headers", [{"a b": "c"}, {"a": "line\nbreak"}, {"trace-bin": "x"}, {"": "x"}, {"a": "é"}])
def test_headers_that_cannot_travel_are_refused(headers):
    with pytest.raises(InvalidInputError, match="cannot be sent"):
        parse_endpoint("http://host", headers=headers)


def test_a_certificate_without_tls_is_refused():
    with pytest.raises(InvalidInputError, match="needs an address with TLS"):
        parse_endpoint("http://host", ca_certificate="ca.pem")


def test_an_unreadable_certificate_is_refused(tmp_path):
    endpoint = parse_endpoint("https://host", ca_certificate=tmp_path / "none.pem")
    with pytest.raises(InvalidInputError, match=r"Cannot read ca_certificate .*none\.pem"):
        endpoint.read_ca_certificate()
