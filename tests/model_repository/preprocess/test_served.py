"""The model inside a real Triton server, alone in a repository."""

import json
import queue
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc as grpcclient
import tritonclient.http as httpclient
from PIL import Image
from tritonclient.utils import InferenceServerException

from serving import ServerOptions, TritonServer
from tests.model_repository.preprocess.sample_images import bombs, encode, exif_with_orientation, smooth
from tests.model_repository.preprocess.siblings import MODEL_FOLDER, image_limits, image_preprocessor, letterbox
from tests.model_repository.preprocess.test_photos import expected_reason

pytestmark = pytest.mark.triton

LANDSCAPE = encode(smooth(640, 480), "JPEG")
PORTRAIT = encode(smooth(640, 480), "JPEG", exif=exif_with_orientation(6))
LARGE = encode(smooth(2400, 1600), "PNG", compress_level=1)
GOOD = [LANDSCAPE, PORTRAIT, LARGE]
BROKEN = {
    "broken_image": LANDSCAPE[:-20],
    "not_an_image": b"hello",
    "empty": b"",
    "too_many_pixels": bombs()["PNG"],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    repository = tmp_path_factory.mktemp("repository")
    # A copy: Triton's Python stub leaves bytecode beside the files it imports.
    shutil.copytree(MODEL_FOLDER, repository / MODEL_FOLDER.name)
    with TritonServer(ServerOptions(repository, http_port=0, grpc_port=0, metrics_port=0)) as server:
        yield server


@pytest.fixture(scope="module")
def client(server) -> Iterator[grpcclient.InferenceServerClient]:
    with grpcclient.InferenceServerClient(server.grpc_url) as client:
        yield client


def image_tensor(files: Sequence[bytes]) -> np.ndarray:
    tensor = np.empty((len(files), 1), np.object_)
    tensor[:, 0] = files
    return tensor


CANVASES = (letterbox.DETECTOR_CANVAS, letterbox.OBJECT_CANVAS)


def infer(client, *files: bytes) -> dict[str, np.ndarray]:
    image = grpcclient.InferInput("image", [len(files), 1], "BYTES")
    image.set_data_from_numpy(image_tensor(files))
    result = client.infer("preprocess", [image], client_timeout=60)
    return {output.name: result.as_numpy(output.name) for output in result.get_response().outputs}


def refusal(client, *files: bytes) -> str:
    with pytest.raises(InferenceServerException) as refused:
        infer(client, *files)
    assert refused.value.status() == "StatusCode.INVALID_ARGUMENT"
    return str(refused.value.message())


def in_process(file: bytes) -> dict[str, np.ndarray]:
    preprocessor = image_preprocessor.ImagePreprocessor(image_limits.ImageLimits())
    return preprocessor.preprocess(file, CANVASES).tensors()


def assert_same_tensors(served: dict[str, np.ndarray], expected: dict[str, np.ndarray], row: int = 0) -> None:
    assert served.keys() == expected.keys()
    for name, tensor in expected.items():
        assert served[name].dtype == tensor.dtype
        np.testing.assert_array_equal(served[name][row], tensor)


@pytest.mark.parametrize("file", GOOD)
def test_the_server_answers_what_the_code_computes_in_process(client, file):
    assert_same_tensors(infer(client, file), in_process(file))


def test_a_batch_answers_as_its_images_would_alone(client):
    files = [LANDSCAPE, LARGE] * 8
    served = infer(client, *files)

    for row, file in enumerate(files):
        assert_same_tensors(served, in_process(file), row)


@pytest.mark.parametrize("reason", BROKEN)
def test_a_refusal_arrives_with_its_reason(client, reason):
    assert refusal(client, BROKEN[reason]).startswith(f"image refused ({reason}): ")


def test_a_refusal_within_a_batch_names_the_row(client):
    message = refusal(client, LANDSCAPE, LANDSCAPE, b"hello")

    assert message.startswith("image refused (not_an_image): row 2 of 3: ")


def test_a_batch_of_both_orientations_is_refused(client):
    message = refusal(client, LANDSCAPE, PORTRAIT, LARGE)

    assert message.startswith("image refused (mixed_orientations): rows 0, 2 are landscape and rows 1 portrait")


def test_http_gives_the_same_bits_and_the_same_refusal(server):
    image = httpclient.InferInput("image", [1, 1], "BYTES")
    with httpclient.InferenceServerClient(server.http_url) as client:
        image.set_data_from_numpy(image_tensor([PORTRAIT]))
        result = client.infer("preprocess", [image])
        image.set_data_from_numpy(image_tensor([b"hello"]))
        with pytest.raises(InferenceServerException, match=r"image refused \(not_an_image\)") as refused:
            client.infer("preprocess", [image])

    assert refused.value.status() == "400"
    np.testing.assert_array_equal(result.as_numpy("pixels")[0], in_process(PORTRAIT)["pixels"])


def test_broken_images_of_some_of_eight_callers_leave_the_others_unharmed(server):
    expected = {file: in_process(file) for file in GOOD}
    broken = [(file, reason) for reason, file in BROKEN.items()]

    def call(caller: int) -> int:
        answered = 0
        with grpcclient.InferenceServerClient(server.grpc_url) as client:
            for turn in range(12):
                if (caller + turn) % 2:
                    file, reason = broken[(caller + turn) // 2 % len(broken)]
                    assert f"({reason})" in refusal(client, file)
                else:
                    file = GOOD[(caller + turn) // 2 % len(GOOD)]
                    assert_same_tensors(infer(client, file), expected[file])
                answered += 1
        return answered

    with ThreadPoolExecutor(8) as callers:
        assert sum(callers.map(call, range(8))) == 8 * 12


def test_a_flood_of_slow_photos_is_refused_fast_instead_of_queued(client):
    slow = grpcclient.InferInput("image", [1, 1], "BYTES")
    slow.set_data_from_numpy(image_tensor([encode(Image.new("RGB", (3000, 2000)), "PNG")]))
    answers: queue.Queue[InferenceServerException | None] = queue.Queue()
    for _ in range(150):
        client.async_infer("preprocess", [slow], lambda result, error: answers.put(error), client_timeout=60)
    errors = [answers.get(timeout=90) for _ in range(150)]

    refusals = [error for error in errors if error is not None]
    # The queue holds 64 requests and the two processes 16 each: some of 150 find no place.
    assert 0 < len(refusals) < 150
    assert {error.status() for error in refusals} == {"StatusCode.UNAVAILABLE"}
    # They are told so at once: the last answer is to one that was accepted.
    assert errors[-1] is None
    assert_same_tensors(infer(client, LANDSCAPE), in_process(LANDSCAPE))


def test_every_photo_of_the_collection_is_answered_with_eight_callers(server, genod_data: Path):
    folder = genod_data / "photos"
    entries = json.loads((folder / "expected.json").read_text())

    def outcome(entry: dict) -> tuple[int, ...] | str:
        with grpcclient.InferenceServerClient(server.grpc_url) as client:
            try:
                return tuple(infer(client, (folder / entry["file"]).read_bytes())["image_size"][0].tolist())
            except InferenceServerException as refused:
                return str(refused.message()).partition(")")[0]

    with ThreadPoolExecutor(8) as callers:
        outcomes = list(callers.map(outcome, entries * 2))

    expected = [
        tuple(entry["upright_size"]) if (reason := expected_reason(entry)) is None else f"image refused ({reason}"
        for entry in entries * 2
    ]
    assert outcomes == expected
