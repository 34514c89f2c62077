import shutil

import numpy as np
import pytest
import tritonclient.grpc

from ensembles.checks.ensemble_graph import check_ensemble_graphs
from ensembles.checks.ensemble_models import check_ensemble_models
from ensembles.checks.onnx_graph import check_onnx_graphs
from ensembles.checks.queue_policies import check_queue_policies
from ensembles.checks.warmups import check_warmups
from ensembles.cli import main
from ensembles.config_file import read_config
from ensembles.fused.errors import CannotFuse
from ensembles.fused.repository import write_fused_repository
from ensembles.repository import load_repository
from genod_client.cli.main import main as genod
from serving import ServerOptions, TritonServer
from tests.conftest import REPO_ROOT
from tests.painted_photos import painted_jpegs

SOURCE = REPO_ROOT / "model_repository"


@pytest.fixture(scope="module")
def fused(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fused") / "repository"
    write_fused_repository(SOURCE, "detect", folder)
    return folder


def test_it_holds_the_ensemble_its_graph_and_what_stays_python(fused):
    assert sorted(model.name for model in load_repository(fused).models.values()) == [
        "detect_fused",
        "detect_fused_graph",
        "preprocess",
    ]


def test_every_rule_for_a_repository_holds_for_it(fused):
    repository = load_repository(fused)
    rules = (check_ensemble_graphs, check_ensemble_models, check_onnx_graphs, check_queue_policies, check_warmups)
    assert [str(problem) for rule in rules for problem in rule(repository)] == []


def test_its_contract_is_the_ensembles(fused):
    original = read_config(SOURCE / "detect" / "config.pbtxt", "detect")
    made = read_config(fused / "detect_fused" / "config.pbtxt", "detect_fused")
    for field in ("input", "output", "max_batch_size", "parameters"):
        assert getattr(made, field) == getattr(original, field)


def test_the_limit_on_the_queue_stands_before_the_fused_graph(fused):
    backbone = read_config(SOURCE / "backbone" / "config.pbtxt", "backbone")
    graph = read_config(fused / "detect_fused_graph" / "config.pbtxt", "detect_fused_graph")
    assert graph.dynamic_batching == backbone.dynamic_batching


@pytest.mark.triton
def test_a_real_server_answers_the_same_from_both_to_the_bit(fused, tmp_path):
    together = tmp_path / "both"
    shutil.copytree(SOURCE, together, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("detect_fused", "detect_fused_graph"):
        shutil.copytree(fused / name, together / name)
    photos = painted_jpegs()
    with (
        TritonServer(ServerOptions(together, http_port=0, grpc_port=0, metrics_port=0)) as server,
        tritonclient.grpc.InferenceServerClient(server.grpc_url) as client,
    ):
        for photo in photos:
            answers = [infer(client, ensemble, photo) for ensemble in ("detect", "detect_fused")]
            for name in ("boxes", "scores", "class_ids", "is_propagated", "num_detections", "image_size"):
                np.testing.assert_array_equal(answers[0].as_numpy(name), answers[1].as_numpy(name), err_msg=name)
        photo_path = tmp_path / "photo.jpg"
        photo_path.write_bytes(photos[0])
        url = f"grpc://{server.grpc_url}"
        assert genod(["detect", str(photo_path), "--url", url, "--ensemble", "detect_fused"]) == 0
        assert genod(["detect", str(photo_path), "--url", url, "--ensemble", "detect_melted"]) == 1


def infer(client, ensemble, photo):
    tensor = tritonclient.grpc.InferInput("image", [1, 1], "BYTES")
    tensor.set_data_from_numpy(np.array([[photo]], dtype=np.object_))
    return client.infer(ensemble, [tensor])


def test_an_earlier_result_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    folder = tmp_path / "fused"
    for _ in range(2):
        write_fused_repository(SOURCE, "detect", folder)
    assert [entry.name for entry in tmp_path.iterdir()] == ["fused"]


def test_a_folder_that_is_no_fused_repository_is_left_alone(tmp_path, capsys):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("mine")
    assert main(["fuse", "detect", "--into", str(tmp_path / "precious")]) == 1
    assert "name another folder with --into" in capsys.readouterr().err
    assert (tmp_path / "precious" / "file").read_text() == "mine"


def test_an_ensemble_that_does_not_exist_is_named_beside_those_that_do(tmp_path):
    with pytest.raises(CannotFuse, match="no ensemble 'detekt'; it has detect"):
        write_fused_repository(SOURCE, "detekt", tmp_path / "fused")


def test_missing_weights_are_named_and_nothing_is_written(tmp_path):
    source = tmp_path / "source"
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "backbone" / "1" / "model.onnx").unlink()
    with pytest.raises(CannotFuse, match=r"backbone/1/model\.onnx does not exist"):
        write_fused_repository(source, "detect", tmp_path / "fused")
    assert not (tmp_path / "fused").exists()


def test_python_between_two_graphs_is_refused(tmp_path):
    source = tmp_path / "source"
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
    config = source / "label_propagation" / "config.pbtxt"
    config.write_text(config.read_text().replace('backend: "onnxruntime"', 'backend: "python"', 1))
    with pytest.raises(CannotFuse, match="step label_propagation of detect is no ONNX model and reads head_"):
        write_fused_repository(source, "detect", tmp_path / "fused")
