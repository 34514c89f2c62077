from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from ensembles.config_file import format_config, read_config, type_name
from ensembles.errors import ConfigUnreadable


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("max_batchsize: 4", "max_batchsize"),
        ("max_batch_size: 4 max_batch_size: 5", "max_batch_size"),
        ("input { name: 'x' data_type: TYPE_FLOAT }", "TYPE_FLOAT"),
        ("dynamic_batching { } ensemble_scheduling { }", "scheduling_choice"),
        ("instance_group [ { kind: KIND_CPU count: 1 }", "1:"),
        ("dynamic_batching { default_queue_policy { max_queue_len: 3 } }", "max_queue_len"),
    ],
)
def test_text_that_triton_would_not_parse_is_refused(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "config.pbtxt"
    path.write_text(text)
    with pytest.raises(ConfigUnreadable) as refused:
        read_config(path, "backbone")
    (problem,) = refused.value.problems
    assert named in problem.received
    assert (problem.file, problem.model, problem.rule) == (path, "backbone", "config-unreadable")


@pytest.mark.parametrize(("content", "rule"), [(None, "config-missing"), (b"\xff\xfe", "config-unreadable")])
def test_missing_and_binary_files_are_refused(tmp_path: Path, content: bytes | None, rule: str) -> None:
    path = tmp_path / "config.pbtxt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigUnreadable) as refused:
        read_config(path, "backbone")
    assert [problem.rule for problem in refused.value.problems] == [rule]


def test_repeated_map_key_is_named_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "config.pbtxt"
    path.write_text('ensemble_scheduling { step { } step { input_map { key: "a" } input_map { key: "a" } } }')
    with pytest.raises(ConfigUnreadable) as refused:
        read_config(path, "detect")
    (problem,) = refused.value.problems
    assert problem.expected == "every key of ensemble_scheduling.step[1].input_map once"


def test_repeated_parameter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.pbtxt"
    path.write_text('parameters { key: "a" value { string_value: "1" } } parameters [ { key: "a" }, { key: "b" } ]')
    with pytest.raises(ConfigUnreadable, match="'a' 2 times"):
        read_config(path, "backbone")


def test_text_round_trips_through_the_protobuf() -> None:
    config = ModelConfig(name="embed", platform="ensemble", max_batch_size=4)
    config.input.add(name="image", data_type="TYPE_STRING", dims=[1])
    assert text_format.Parse(format_config(config), ModelConfig()) == config


def test_max_batch_size_zero_is_written_although_protobuf_drops_it() -> None:
    text = format_config(ModelConfig(name="embed", platform="ensemble"))
    assert text.count("max_batch_size: 0\n") == 1
    assert text_format.Parse(text, ModelConfig()) == ModelConfig(name="embed", platform="ensemble")


def test_type_names_lose_their_prefix() -> None:
    config = ModelConfig()
    config.input.add(data_type="TYPE_BF16")
    assert type_name(config.input[0].data_type) == "BF16"
