"""Tokens: who shows a good one may call, nobody else."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tritonclient.utils import InferenceServerException

from tests.helm.traffic.callers import INFER_PATH, GrpcCaller, HttpCaller
from tests.helm.traffic.conftest import Pods
from tests.helm.traffic.envoy_process import EnvoyProcess

pytestmark = [
    pytest.mark.triton,
    pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl, which signs the tokens"),
]

ISSUER = "https://login.example.com"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """A key pair and the tokens that it signs, RS256."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._key = folder / "key.pem"
        openssl("genrsa", "-out", str(self._key), "2048")
        self.key_id = hashlib.sha256(self._key.read_bytes()).hexdigest()[:8]

    @property
    def jwks(self) -> str:
        modulus = openssl("rsa", "-in", str(self._key), "-modulus", "-noout").decode()
        number = bytes.fromhex(re.sub(r"^Modulus=", "", modulus).strip())
        key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.key_id, "n": base64url(number), "e": "AQAB"}
        return json.dumps({"keys": [key]})

    def token(self, **claims) -> str:
        header = {"alg": "RS256", "typ": "JWT", "kid": self.key_id}
        payload = {"iss": ISSUER, "aud": "genod", "sub": "caller", "exp": int(time.time()) + 300, **claims}
        signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, payload))
        signature = openssl("dgst", "-sha256", "-sign", str(self._key), stdin=signed.encode())
        return f"{signed}.{base64url(signature)}"


def openssl(*arguments: str, stdin: bytes | None = None) -> bytes:
    return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=True, timeout=60).stdout


def test_a_good_token_is_accepted_and_any_other_refused(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess], tmp_path: Path
) -> None:
    issuer, stranger = Issuer(tmp_path / "issuer"), Issuer(tmp_path / "stranger")
    jwt = {"enabled": True, "issuer": ISSUER, "audiences": ["genod"], "jwks": issuer.jwks}
    envoy = start_envoy({"envoy": {"jwt": jwt}})
    good = {"authorization": f"Bearer {issuer.token()}"}
    assert HttpCaller(envoy.http_url, headers=good).infer() in (1, 2)
    assert GrpcCaller(envoy.grpc_url, headers=good).infer() in (1, 2)
    bad_tokens = {
        "none": {},
        "expired": {"authorization": f"Bearer {issuer.token(exp=int(time.time()) - 300)}"},
        "for others": {"authorization": f"Bearer {issuer.token(aud='other')}"},
        "by others": {"authorization": f"Bearer {issuer.token(iss='https://other.example.com')}"},
        "signed by others": {"authorization": f"Bearer {stranger.token()}"},
        "no token": {"authorization": "Bearer abc"},
    }
    for kind, headers in bad_tokens.items():
        caller = HttpCaller(envoy.http_url, headers=headers)
        status, _, body = caller.request("POST", INFER_PATH, caller._body)
        assert status in (401, 403), (kind, status)
        assert "error" in json.loads(body), kind
        with pytest.raises(InferenceServerException) as caught:
            GrpcCaller(envoy.grpc_url, headers=headers).infer()
        assert caught.value.status() in ("StatusCode.UNAUTHENTICATED", "StatusCode.PERMISSION_DENIED"), kind
    # Probes and other regions ask without a token; nothing else is open.
    http = HttpCaller(envoy.http_url)
    assert http.request("GET", "/v2/health/ready")[0] == 200
    assert http.request("GET", "/v2/models/detect/ready")[0] == 200
    assert http.request("GET", "/v2/models/detect/config")[0] == 401


def test_keys_are_fetched_from_the_issuer(pods: Pods, start_envoy: Callable[..., EnvoyProcess], tmp_path: Path) -> None:
    issuer = Issuer(tmp_path / "issuer")

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(issuer.jwks.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        pods.dns.addresses["login.example.com"] = ["127.0.0.1"]
        remote = {"uri": "http://login.example.com:18080/keys"}
        values = {"envoy": {"jwt": {"enabled": True, "issuer": ISSUER, "remoteJwks": remote}}}
        envoy = start_envoy(values, replace_ports={18080: server.server_address[1]})
        good = {"authorization": f"Bearer {issuer.token()}"}
        assert HttpCaller(envoy.http_url, headers=good).infer() in (1, 2)
        with pytest.raises(RuntimeError, match="401"):
            HttpCaller(envoy.http_url).infer()
        server.shutdown()
