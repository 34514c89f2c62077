from pathlib import Path

import pytest

from ensembles.errors import ManifestMalformed, StoreUnavailable
from ensembles.releases.store import DRIVERS, Store
from tests.ensembles.releases.toy_checkout import ToyCheckout


@pytest.mark.parametrize("protocol", ["s3", "gs", "oci", "abfs", "sftp"])
def test_a_missing_driver_is_named_with_the_package_to_install(protocol: str) -> None:
    try:
        __import__(DRIVERS[protocol])
    except ImportError:
        with pytest.raises(StoreUnavailable, match=f"pip install {DRIVERS[protocol]}$") as refused:
            Store(f"{protocol}://bucket@space/releases")
        assert "\n" not in str(refused.value)
    else:
        pytest.skip(f"{DRIVERS[protocol]} is installed")


def test_an_unknown_kind_of_store_is_refused_with_those_there_are() -> None:
    with pytest.raises(StoreUnavailable, match=r"floppy://a is no store that can be opened .* file, http, https, .*s3"):
        Store("floppy://a")


def test_a_manifest_in_the_place_of_another_is_refused(checkout: ToyCheckout, tmp_path: Path) -> None:
    checkout.new()
    checkout.publish(1, tmp_path / "store")
    (tmp_path / "store" / "releases" / "1.json").rename(tmp_path / "store" / "releases" / "2.json")
    with pytest.raises(ManifestMalformed, match=r"releases/2\.json says that it is release 1"):
        Store(str(tmp_path / "store")).manifest(2)


def test_numbers_are_sorted_as_numbers_and_other_files_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "releases").mkdir()
    for name in ("10.json", "9.json", "010.json", "x.json", ".11.json.tmp", "README"):
        (tmp_path / "releases" / name).touch()
    assert Store(str(tmp_path)).numbers() == [9, 10]
    assert Store(str(tmp_path / "absent")).numbers() == []
