import numpy as np
import pytest
from rich.console import Console

from serving import ServingError
from serving.demo_likeness import (
    Thing,
    best_things,
    boxed_things,
    likeness_table,
    likenesses,
    require_likeness,
)


def thing(crop, kind, set_bits, version="v1"):
    """A thing whose hash has the first bits set: distances are differences."""
    bits = np.zeros(256, np.uint8)
    bits[:set_bits] = 1
    return Thing(crop=crop, kind=kind, hash=np.packbits(bits).tobytes(), embedder_version=version)


def a_photo(name, *rows):
    objects = [{"name": kind, "hash": hash_.hex()} for kind, hash_ in rows]
    return {"photo": f"photos/{name}", "embedder_version": "v1", "objects": objects}


def test_every_two_of_a_kind_are_compared_with_the_nearest_of_another_kind():
    things = [thing("cat 1", "cat", 0), thing("cat 2", "cat", 10), thing("cup", "cup", 30), thing("car", "car", 90)]
    (compared,) = likenesses(things)
    assert [found.crop for found in compared.pair] == ["cat 1", "cat 2"]
    assert (compared.bits, compared.stranger.crop, compared.stranger_bits) == (10, "cup", 20)
    assert compared.holds
    require_likeness([compared])


def test_three_of_a_kind_make_three_pairs():
    things = [*(thing(f"coin {number}", "coin", number) for number in range(3)), thing("cup", "cup", 99)]
    assert [likeness.bits for likeness in likenesses(things)] == [1, 2, 1]


@pytest.mark.parametrize("stranger_bits", [25, 30], ids=["nearer", "as near"])
def test_a_different_thing_that_is_as_near_fails_the_demo_by_name(stranger_bits):
    cats = [thing("cat.png 1", "cat", 0), thing("cat.png 2", "cat", 20)]
    compared = likenesses([*cats, thing("cup.png 1", "cup", stranger_bits)])
    assert not compared[0].holds
    with pytest.raises(
        ServingError, match=r"cat.png 1 and cat.png 2, both cat, differ in 20 bits, but cup.png 1, a cup"
    ):
        require_likeness(compared)


def test_equal_distances_do_not_count_as_nearer():
    compared = likenesses([thing("a", "cat", 0), thing("b", "cat", 20), thing("c", "cup", 40)])
    assert (compared[0].bits, compared[0].stranger_bits) == (20, 20)
    assert not compared[0].holds


@pytest.mark.parametrize(
    "things",
    [
        [],
        [thing("a", "cat", 0), thing("b", "cup", 1)],
        [thing("a", "cat", 0), thing("b", "cat", 1)],
    ],
    ids=["nothing", "no pair", "one kind"],
)
def test_a_demo_that_has_nothing_to_compare_has_failed(things):
    with pytest.raises(ServingError, match="Are these the demo's weights"):
        likenesses(things)


def test_hashes_of_two_embedders_are_not_compared():
    with pytest.raises(ServingError, match="several embedders cannot be compared: v1, v2"):
        likenesses([thing("a", "cat", 0), thing("b", "cat", 1, "v2")])


def test_the_best_object_of_a_photo_stands_for_it_and_an_empty_photo_for_nothing():
    first, second = bytes(31) + b"\x01", bytes(31) + b"\x03"
    photos = [a_photo("cat.png", ("cat", first), ("cup", second)), a_photo("wall.png")]
    (found,) = best_things(photos)
    assert (found.crop, found.kind, found.hash, found.embedder_version) == ("cat", "cat", first, "v1")


def test_given_boxes_are_all_of_the_kind_they_were_given_for():
    photo = a_photo("coins.png", (None, bytes(32)), (None, b"\xff" * 32))
    assert [(found.crop, found.kind) for found in boxed_things(photo, "coin")] == [
        ("coins 1", "coin"),
        ("coins 2", "coin"),
    ]
    assert boxed_things(photo, "coin")[0].bits_from(boxed_things(photo, "coin")[1]) == 256


def test_the_table_has_a_row_for_each_pair():
    console = Console(width=80, record=True)
    names = ("motorcycle_left", "motorcycle_right")
    things = [thing(names[0], "motorcycle", 0), thing(names[1], "motorcycle", 7), thing("coffee", "dining table", 99)]
    console.print(likeness_table(likenesses(things)))
    text = console.export_text()
    for shown in (*names, " 7 ", "coffee", "(dining table)", " 92 "):
        assert shown in text
