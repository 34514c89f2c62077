"""From real lines of tritonserver 2.51 to the one reason."""
# ruff: noqa: E501 - log lines stay whole

from pathlib import Path

from serving.log_diagnosis import ModelFailure, diagnose, loaded_models, read_log

NOISE = """\
E1120 18:31:47.150778 24046 server.cc:241] "CudaDriverHelper has not been initialized."
I1120 18:31:47.164734 24046 model_lifecycle.cc:472] "loading: m:1"
Error: Failed to initialize NVML
W1120 18:31:47.519779 24046 metrics.cc:798] "DCGM unable to start: DCGM initialization error"
"""


def test_a_model_failure_is_its_own_words_and_the_place() -> None:
    log = NOISE + (
        'E1120 18:31:47.517599 24046 backend_model.cc:692] "ERROR: Failed to create instance: TritonModelException:'
        ' line one\\n  - line two\\n\\nAt:\\n  /models/m/1/model.py(4): initialize\\n"\n'
        "E1120 18:31:47.517681 24046 model_lifecycle.cc:642] \"failed to load 'm' version 1: Internal:"
        " TritonModelException: line one\\n  - line two\\n\\nAt:\\n  /models/m/1/model.py(4): initialize\\n"
        '  <frozen importlib._bootstrap>(241): _call_with_frames_removed\\n"\n'
        "error: creating server: Internal - failed to load all models\n"
    )
    diagnosis = diagnose(log)
    assert diagnosis.model_failures == (
        ModelFailure("m", "line one\n  - line two", "/models/m/1/model.py(4): initialize"),
    )


def test_a_failure_without_a_traceback_has_no_place() -> None:
    line = "E1120 18:31:47.5 24046 model_lifecycle.cc:642] \"failed to load 'm' version 3: Not found: no backend\"\n"
    assert diagnose(line).model_failures == (ModelFailure("m", "no backend", None),)


def test_a_config_that_does_not_parse_is_told_with_its_place() -> None:
    log = NOISE + (
        "[libprotobuf ERROR /build/text_format.cc:337] Error parsing text-format inference.ModelConfig: 1:19:"
        ' Message type "inference.ModelConfig" has no field named "backnd".\n'
        "E1120 18:31:45.589548 24018 model_repository_manager.cc:1460] \"Poll failed for model directory 'cfg':"
        ' failed to read text proto from models/cfg/config.pbtxt"\n'
    )
    diagnosis = diagnose(log)
    assert not diagnosis.model_failures
    assert [error.split(":")[0] for error in diagnosis.other_errors] == [
        "Error parsing text-format inference.ModelConfig",
        "Poll failed for model directory 'cfg'",
    ]


def test_a_crash_before_the_error_is_explained_by_the_last_words_of_the_stub() -> None:
    log = NOISE + (
        'I1120 18:44:42.159731 14746 pb_stub.cc:366] "Failed to initialize Python stub: TritonModelException:'
        " parameter 'intra_op_thread_count' must be a whole number\\n\\nAt:\\n  /b/model.py(42): initialize\\n\"\n"
        "\x1b[1;31m2026-11-20 18:44:42.4 [E:onnxruntime:, sequential_executor.cc:677 ExecuteKernel] idx=77 is out\x1b[m\n"
    )
    assert diagnose(log).other_errors == (
        "parameter 'intra_op_thread_count' must be a whole number",
        "idx=77 is out",
    )


def test_a_log_without_trouble_has_no_reasons() -> None:
    diagnosis = diagnose(NOISE)
    assert (diagnosis.model_failures, diagnosis.other_errors) == ((), ())


def test_loaded_models_are_listed_once_in_order() -> None:
    line = "I1120 18:31:47.1 24046 model_lifecycle.cc:839] \"successfully loaded '{}'\"\n"
    assert loaded_models("".join(line.format(name) for name in ("b", "a", "b"))) == ["b", "a"]


def test_a_log_is_read_from_where_the_start_began(tmp_path: Path) -> None:
    log = tmp_path / "tritonserver.log"
    assert read_log(log) == ""
    log.write_bytes(b"old\nnew \xff\n")
    assert read_log(log, start=4) == "new \ufffd\n"
