import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from ensembles.errors import ReleaseError
from ensembles.releases.pinned_config import pin_versions


def _served(text: str) -> list[int]:
    return list(text_format.Parse(text, ModelConfig()).version_policy.specific.versions)


def test_versions_are_appended_and_nothing_else_changes() -> None:
    text = '# why\nname: "a"\n'
    assert pin_versions(text, [1, 3], "a").startswith(text)
    assert _served(pin_versions(text, [1, 3], "a")) == [1, 3]


def test_a_policy_that_says_the_same_stays() -> None:
    text = 'name: "a"\nversion_policy { specific { versions: [ 3, 1 ] } }\n'
    assert pin_versions(text, [1, 3], "a") == text


@pytest.mark.parametrize("policy", ["all { }", "latest { num_versions: 1 }", "specific { versions: [ 1 ] }"])
def test_another_policy_is_refused_with_the_right_one(policy: str) -> None:
    with pytest.raises(ReleaseError, match=r"a/config.pbtxt .* versions: \[ 1, 3 \]"):
        pin_versions(f'name: "a" version_policy {{ {policy} }}', [1, 3], "a/config.pbtxt")
