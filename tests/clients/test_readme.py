"""The blocks of clients/README.md run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from genod_client.cli.main import main
from tests.clients import servers

README = Path(__file__).parents[2] / "clients" / "README.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("desk.jpg", "cat.jpg"):
        Path(name).write_bytes(b"the test server takes anything")


def on_test_servers(code, grpc_url, http_url):
    assert "localhost:8001" in code or "localhost:8000" in code
    return code.replace("grpc://localhost:8001", grpc_url).replace('"http://localhost:8000"', f'"{http_url}"')


@pytest.mark.parametrize("code", [code for language, code in BLOCKS if language == "python"])
def test_a_python_block_runs(code, photos):
    with (
        servers.grpc_server() as (grpc_url, _),
        servers.socket_server(servers.first_then_good()) as http_server,
    ):
        code = on_test_servers(code, grpc_url, http_server.http_url)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("command", ["detect", "embed"])
def test_the_shown_command_parses(photos, capsys, command):
    (line,) = re.findall(rf"^genod ({command} .*)$", BLOCKS[0][1], re.MULTILINE)
    with servers.grpc_server() as (url, _):
        arguments = line.replace("grpc://localhost:8001", url).replace("holiday/", "").split()
        assert main(arguments[: arguments.index("--out")]) == 0
    assert "ESP8266" in capsys.readouterr().out
