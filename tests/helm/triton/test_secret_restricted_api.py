import base64

from tests.helm.chart import render

TEMPLATE = "templates/triton/secret-restricted-api.yaml"


def restricted(**values):
    return render({"restrictedApi": values}).of_template(TEMPLATE)


def test_switched_off_there_is_none():
    assert restricted(enabled=False) == []


def test_a_secret_of_ones_own_is_not_made_again():
    assert restricted(existingSecret="mine") == []


def test_the_key_is_long_and_new_for_each_installation():
    keys = {base64.b64decode(restricted()[0]["data"]["key"]) for _ in range(2)}
    assert len(keys) == 2
    assert all(len(key) == 40 and key.isalnum() for key in keys)
