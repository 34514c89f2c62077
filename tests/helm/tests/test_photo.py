import base64
import io

from PIL import Image

from tests.helm.chart import render

TEMPLATE = "templates/tests/photo.yaml"


def test_switched_off_there_is_none():
    assert render({"tests": {"enabled": False}}).of_template(TEMPLATE) == []


def test_it_is_a_real_photo():
    (config_map,) = render().of_template(TEMPLATE)
    photo = Image.open(io.BytesIO(base64.b64decode(config_map["binaryData"]["photo.jpg"])))
    photo.load()
    assert photo.format == "JPEG"
    assert photo.size == (320, 240)
