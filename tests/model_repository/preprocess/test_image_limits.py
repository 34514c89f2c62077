import subprocess
import sys
import warnings

import pytest
from PIL import Image

from tests.model_repository.preprocess.sample_images import bombs, encode
from tests.model_repository.preprocess.siblings import VERSION_FOLDER, decode, image_limits, image_refused

BOMBS = bombs()


def test_a_file_of_exactly_the_limit_passes_and_one_byte_more_is_refused():
    data = encode(Image.new("RGB", (8, 8)), "PNG")
    decode.read_header(data, image_limits.ImageLimits(max_image_bytes=len(data)))

    with pytest.raises(image_refused.ImageRefusedError) as refused:
        decode.read_header(data, image_limits.ImageLimits(max_image_bytes=len(data) - 1))
    assert str(refused.value) == (
        f"image refused (too_many_bytes): {len(data)} bytes, the limit is {len(data) - 1} "
        "(parameter max_image_bytes); send a smaller or more strongly compressed image"
    )


def test_a_picture_of_exactly_the_limit_passes_and_one_row_more_is_refused():
    limits = image_limits.ImageLimits(max_image_pixels=1200 * 1000)
    decode.read_header(encode(Image.new("L", (1200, 1000)), "PNG"), limits)

    with pytest.raises(image_refused.ImageRefusedError) as refused:
        decode.read_header(encode(Image.new("L", (1200, 1001)), "PNG"), limits)
    assert str(refused.value) == (
        "image refused (too_many_pixels): 1200x1001 = 1.201 megapixels, the limit is 1.2 "
        "(parameter max_image_pixels); send a smaller image"
    )


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_from_its_header(name):
    with pytest.raises(image_refused.ImageRefusedError, match=r"\(too_many_pixels\).*max_image_pixels"):
        decode.read_header(BOMBS[name], image_limits.ImageLimits())


# In a process of its own: the peak of this one was set by other tests. Prints by how many bytes it grew.
MEASURE_PEAK_MEMORY = """
import io, resource, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from PIL import Image
from decode import guard_pillow, read_header
from image_limits import ImageLimits
from image_refused import ImageRefusedError

def peak_bytes():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

limits = ImageLimits()
guard_pillow(limits)
data = sys.stdin.buffer.read()
before = peak_bytes()
try:
    read_header(data, limits)
except ImageRefusedError as error:
    print(peak_bytes() - before, error.reason)
"""


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_no_memory(name):
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE_PEAK_MEMORY, str(VERSION_FOLDER)],
        input=BOMBS[name],
        capture_output=True,
        check=True,
    )

    growth_bytes, reason = measured.stdout.split()
    assert reason == b"too_many_pixels"
    assert int(growth_bytes) < 20e6


def test_the_guard_of_pillow_stands_at_the_same_limit(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with warnings.catch_warnings():  # restores the filters, which belong to the whole process
        decode.guard_pillow(image_limits.ImageLimits(max_image_pixels=1000))
        with pytest.raises(image_refused.ImageRefusedError) as refused:
            decode.read_header(BOMBS["PNG"], image_limits.ImageLimits())
    assert "exceeds limit of 1000 pixels (parameter max_image_pixels)" in str(refused.value)


def test_parameters_set_the_limits_they_name_and_leave_the_others():
    limits = image_limits.ImageLimits.from_parameters({"max_image_bytes": "5", "decode_threads": "2"})

    assert limits == image_limits.ImageLimits(max_image_bytes=5)


@pytest.mark.parametrize("text", ["", "many", "1e6", "20 MB"])
def test_a_parameter_that_is_no_whole_number_is_named(text):
    with pytest.raises(ValueError, match="parameter max_image_pixels must be a whole number, got"):
        image_limits.ImageLimits.from_parameters({"max_image_pixels": text})


@pytest.mark.parametrize("text", ["0", "-1"])
def test_a_limit_below_one_is_refused(text):
    with pytest.raises(ValueError, match="parameter max_image_bytes must be a whole number of at least 1"):
        image_limits.ImageLimits.from_parameters({"max_image_bytes": text})
