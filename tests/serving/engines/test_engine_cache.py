import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from serving.engines.engine_cache import EngineCache, EngineKey, key_of
from serving.engines.engine_spec import find_engine_specs
from serving.errors import EngineCacheError, EngineSettingsError
from tests.conftest import REPO_ROOT
from tests.serving.engines.fakes import H100, L4, write_canvas_model

KEY = EngineKey("0" * 64, "10.16.1.11", L4, "0123456789abcdef")


def stored(cache: Path, plan: bytes = b"plan") -> EngineCache:
    store = EngineCache(cache)
    with store.lock(KEY, timeout_s=1, on_wait=lambda: None):
        store.store(KEY, plan, {"model": "net"})
    return store


def test_an_engine_is_kept_by_graph_version_gpu_and_settings(tmp_path: Path) -> None:
    write_canvas_model(tmp_path / "models")
    (spec,) = find_engine_specs(tmp_path / "models", "tensorrt")
    key = key_of(spec, tensorrt_version="10.16.1.11", gpu=H100)
    plan = EngineCache(tmp_path / "cache").plan_path(key)
    digest, version, product, settings, name = plan.relative_to(tmp_path / "cache").parts
    checked = subprocess.run(["sha256sum", str(spec.onnx_path)], capture_output=True, text=True, check=True)
    assert digest == checked.stdout.split()[0]
    assert (version, product, settings) == ("10.16.1.11", "nvidia-h100-80gb-hbm3", spec.settings_digest())
    assert name == "model.plan"


@pytest.mark.parametrize("version", ["", "../10", "ten"])
def test_a_version_that_is_none_is_refused(tmp_path: Path, version: str) -> None:
    write_canvas_model(tmp_path)
    (spec,) = find_engine_specs(tmp_path, "tensorrt")
    with pytest.raises(EngineSettingsError, match="--trt-version must be a version"):
        key_of(spec, tensorrt_version=version, gpu=L4)


def test_a_stored_plan_is_good_and_readable_by_other_users(tmp_path: Path) -> None:
    cache = stored(tmp_path)
    assert cache.fault(KEY) is None
    plan = cache.plan_path(KEY)
    assert plan.read_bytes() == b"plan"
    assert plan.stat().st_mode & 0o777 == 0o644
    record = json.loads((plan.parent / "model.plan.json").read_text())
    assert (record["gpu_product"], record["tensorrt_version"], record["plan_bytes"]) == ("NVIDIA L4", "10.16.1.11", 4)


def test_a_missing_damaged_or_unrecorded_plan_is_no_plan(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path)
    assert cache.fault(KEY) == "not built yet"
    stored(tmp_path)
    plan = cache.plan_path(KEY)
    record = plan.parent / "model.plan.json"
    plan.write_bytes(b"plax")
    assert cache.fault(KEY) == "damaged: the plan is not the one that was recorded"
    stored(tmp_path)
    for text in ("", "{}", "[]", "\xff"):
        record.write_bytes(text.encode("latin-1"))
        assert str(cache.fault(KEY)).startswith("damaged: ")
    record.unlink()
    assert cache.fault(KEY) == "not built yet"
    stored(tmp_path)
    assert cache.fault(KEY) is None


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    """The kernel itself refuses: no file of this process may pass 1 MB."""
    program = f"""
import resource, signal, sys
from pathlib import Path
from serving.errors import EngineCacheError
from tests.serving.engines.test_engine_cache import stored
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6))
try:
    stored(Path({str(tmp_path)!r}), b"p" * (2 * 10**6))
except EngineCacheError as error:
    print(error)
"""
    stored(tmp_path, b"old")
    ended = subprocess.run([sys.executable, "-c", program], cwd=REPO_ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("cannot write the plan (2 MB) to ")
    assert len(ended.stdout.splitlines()) == 1
    assert "Make room" in ended.stdout
    folder = EngineCache(tmp_path).plan_path(KEY).parent
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "model.plan"]
    assert (folder / "model.plan").read_bytes() == b"old"
    assert EngineCache(tmp_path).fault(KEY) == "not built yet", "built again rather than trusted"


def test_a_cache_that_is_not_writable_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineCacheError, match="Name a writable folder with --cache"):
        stored(tmp_path / "file")


def test_a_second_builder_waits_and_gives_up_after_its_time(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path;"
            "from tests.serving.engines.test_engine_cache import KEY, EngineCache\n"
            f"with EngineCache(Path({str(tmp_path)!r})).lock(KEY, timeout_s=1, on_wait=lambda: None):\n"
            "    (EngineCache(Path(sys.argv[1])).plan_path(KEY).parent / '.model.plan.x.partial').write_text('half')\n"
            "    print('held', flush=True); time.sleep(60)",
            str(tmp_path),
        ],
        cwd=REPO_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        told: list[str] = []
        cache = EngineCache(tmp_path)
        with (
            pytest.raises(EngineCacheError, match=r"another builder has held .* for 0\.5 s"),
            cache.lock(KEY, timeout_s=0.5, on_wait=lambda: told.append("wait")),
        ):
            pytest.fail("two builders at once")
        assert told == ["wait"], "told once"
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        # The kernel gave the lock back; what the dead one left is removed.
        started_s = time.monotonic()
        with cache.lock(KEY, timeout_s=30, on_wait=lambda: None):
            assert [path.name for path in cache.plan_path(KEY).parent.iterdir()] == [".lock"]
        assert time.monotonic() - started_s < 30
    finally:
        holder.kill()
        holder.wait()
        assert holder.stdout is not None
        holder.stdout.close()


def test_timings_are_kept_per_version_and_gpu(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path)
    assert cache.read_timings(KEY) == b""
    cache.store_timings(KEY, b"timings")
    assert cache.read_timings(KEY) == b"timings"
    assert cache.read_timings(EngineKey(KEY.onnx_sha256, "10.17.0.1", L4, "x")) == b""
    assert cache.read_timings(EngineKey("1" * 64, "10.16.1.11", L4, "x")) == b"timings", "graphs share timings"
