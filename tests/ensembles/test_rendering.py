import json
from dataclasses import replace
from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from ensembles.derive import derive_config
from ensembles.graph import Step
from ensembles.rendering import render
from ensembles.repository import load_repository
from tests.ensembles.toy_repository import TAXONOMY, TOY, edit


def _parsed(text: str) -> ModelConfig:
    return text_format.Parse(text, ModelConfig())


def test_rendering_is_deterministic(toy: Path) -> None:
    assert render(TOY, load_repository(toy)) == render(TOY, load_repository(toy))


def test_header_says_from_what_and_by_which_command(toy: Path) -> None:
    first_line = render(TOY, load_repository(toy)).splitlines()[0]
    assert first_line == "# Rendered from ensembles/wiring/toy.py by `python -m ensembles render`."


def test_text_is_the_derived_config_and_the_taxonomy(toy: Path) -> None:
    config = _parsed(render(TOY, load_repository(toy)))
    taxonomy = config.parameters.pop("taxonomy").string_value
    assert json.loads(taxonomy) == TAXONOMY, "quotes, umlauts and several parents included"
    assert config == derive_config(TOY, load_repository(toy))


def test_types_and_dims_are_the_composing_models(toy: Path) -> None:
    edit(
        toy,
        "label_propagation",
        '"scores" data_type: TYPE_FP32 dims: [ 6 ]',
        '"scores" data_type: TYPE_FP16 dims: [ 7, -1 ]',
    )
    scores = derive_config(TOY, load_repository(toy)).output[0]
    assert (scores.name, list(scores.dims)) == ("scores", [7, -1])
    assert scores.data_type == scores.DESCRIPTOR.file.enum_types_by_name["DataType"].values_by_name["TYPE_FP16"].number


def test_outputs_that_nobody_uses_are_left_out(toy: Path) -> None:
    boards_only = replace(
        TOY,
        name="features",
        outputs=("p3",),
        steps=(Step("preprocess"), Step("backbone")),
        taxonomy_model=None,
    )
    config = derive_config(boards_only, load_repository(toy))
    assert dict(config.ensemble_scheduling.step[0].output_map) == {"pixels": "pixels"}


def test_renamed_tensors_follow_the_wiring(toy: Path) -> None:
    renamed = replace(
        TOY,
        inputs=("photo",),
        outputs=("features",),
        steps=(
            Step("preprocess", inputs={"image": "photo"}, outputs={"pixels": "canvas"}),
            Step("backbone", inputs={"pixels": "canvas"}, outputs={"p3": "features"}),
        ),
        taxonomy_model=None,
    )
    config = derive_config(renamed, load_repository(toy))
    first, second = config.ensemble_scheduling.step
    assert dict(first.input_map) == {"image": "photo"}
    assert dict(first.output_map) == dict(second.input_map) | {"pixels": "canvas"}
    assert dict(second.output_map) == {"p3": "features"}
    assert [tensor.name for tensor in config.input] == ["photo"]


def test_optional_input_is_mapped_only_where_something_feeds_it(toy: Path) -> None:
    edit(
        toy,
        "label_propagation",
        "input [",
        'input [ { name: "hint" data_type: TYPE_FP32 dims: [ 1 ] optional: true },',
    )
    last = derive_config(TOY, load_repository(toy)).ensemble_scheduling.step[-1]
    assert "hint" not in last.input_map


def test_ensemble_without_batching_spells_the_batch_out(toy: Path) -> None:
    text = render(replace(TOY, max_batch_size=0), load_repository(toy))
    config = _parsed(text)
    assert "max_batch_size: 0\n" in text
    assert list(config.input[0].dims) == [-1, 1]
    assert list(config.output[0].dims) == [-1, 6]


def test_a_star_stands_for_all_written_tensors_of_such_a_name(toy: Path) -> None:
    starred = replace(TOY, outputs=("class_ids", "head_a_*", "nothing_*", "image_size"))
    names = [output.name for output in derive_config(starred, load_repository(toy)).output]
    assert names == ["class_ids", "head_a_scores", "head_a_class_ids", "image_size"]


def test_a_wiring_may_know_a_size_that_the_model_leaves_open(toy: Path) -> None:
    features = replace(
        TOY,
        name="features",
        outputs=("p3",),
        output_dims={"p3": (3, 10, 20)},
        steps=(Step("preprocess"), Step("backbone")),
        taxonomy_model=None,
    )
    assert list(derive_config(features, load_repository(toy)).output[0].dims) == [3, 10, 20]


def test_parameters_of_a_model_are_published_as_its_config_has_them(toy: Path) -> None:
    edit(toy, "backbone", 'name: "backbone"', 'name: "backbone" parameters { key: "v" value: { string_value: "ä" } }')
    publishing = replace(TOY, published_parameters={"backbone": ("v", "missing")})
    parameters = derive_config(publishing, load_repository(toy)).parameters
    assert {name: value.string_value for name, value in parameters.items()} == {"v": "ä"}
