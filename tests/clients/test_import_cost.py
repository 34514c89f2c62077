"""Importing must stay cheap: what is heavy is imported at first need. (Times: clients/README.md.)"""

import json
import subprocess
import sys

import pytest

HEAVY = {
    "torch",
    "locust",
    "gevent",
    "grpc",
    "tritonclient",
    "httpcore2",
    "numpy",
    "PIL",
    "rich",
    "asyncio",
    "ssl",
}


def modules_after(code):
    code += "\nimport json, sys; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import genod_client",
        "import genod_client; genod_client.GenODClient('grpc://localhost:1')",
        "from genod_client.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass",
        "from genod_client.cli.main import main\ntry: main(['detect', '--help'])\nexcept SystemExit: pass",
        "from genod_client.cli.main import main\ntry: main(['embed', '--help'])\nexcept SystemExit: pass",
        "import genod_client; genod_client.VisualHash(bytes(32), 'v1').hamming_distance("
        "genod_client.VisualHash(bytes(32), 'v1'))",
    ],
    ids=["import", "construct", "genod --help", "genod detect --help", "genod embed --help", "compare hashes"],
)
def test_nothing_heavy_is_imported_before_it_is_needed(code):
    assert not modules_after(code) & HEAVY


@pytest.mark.parametrize("url", ["grpc://127.0.0.1:1", "http://127.0.0.1:1"])
def test_a_call_never_imports_torch_locust_or_gevent(url):
    code = f"""
import genod_client
client = genod_client.GenODClient({url!r}, retry_policy=genod_client.RetryPolicy(max_attempts=1))
try: client.detect(b"photo")
except genod_client.UnavailableError: pass
else: raise SystemExit("expected an error")
"""
    assert not modules_after(code) & {"torch", "locust", "gevent"}
