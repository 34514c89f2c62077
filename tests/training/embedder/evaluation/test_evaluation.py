import json
from pathlib import Path

import pytest

from tests.training.embedder.evaluation.painted_crops import BLUE, GREEN, RED, ColourModel, crop, painted
from training.embedder.evaluation.evaluation import evaluate_embedder, num_crops
from training.embedder.evaluation.evaluation_page import write_evaluation_page
from training.embedder.evaluation.metrics_table import print_evaluation
from training.embedder.evaluation.protocol import Protocol, canonical, leave_one_out, search
from training.evaluation.json_values import json_values

DARK_RED = (90, 12, 12)


@pytest.fixture
def protocols(tmp_path) -> list[Protocol]:
    queries = [
        crop(painted(tmp_path, "q/red.png", RED), "red"),
        crop(painted(tmp_path, "q/dark red.png", DARK_RED), "red"),
        crop(painted(tmp_path, "q/mislabelled.png", BLUE), "green"),
    ]
    gallery = [
        crop(painted(tmp_path, f"g/{name}.png", colour), name)
        for name, colour in (("red", RED), ("green", GREEN), ("blue", BLUE))
    ]
    more = [crop(painted(tmp_path, f"g/{name}{k}.png", c), name) for k in (1, 2) for name, c in (("red", RED), ("green", GREEN))]  # fmt: skip # noqa: E501
    return [
        search("colours, shop", "queries", queries, gallery, kind="label"),
        leave_one_out("colours, all", "each", [*queries, *gallery], kind="label"),
        canonical("colours, canonical", "two each", [*queries[:2], *gallery[:2], *more], kind="label", draws=4),
    ]


def test_every_crop_is_embedded_once_and_each_protocol_is_judged_on_its_own(protocols) -> None:
    model = ColourModel()
    batches: list[int] = []

    evaluation = evaluate_embedder(model, protocols, on_batch=batches.append)

    assert model.seen == sum(batches) == num_crops(protocols) == 10
    shop, everything, drawn = evaluation.results
    assert shop.floats.means["P@1"] == pytest.approx(2 / 3)
    assert shop.bits.means["R@5"] == 1.0
    assert (shop.num_queries, shop.num_gallery) == (3, 3)
    # Leave one out: red is found by its twin, blue has no other blue, and is not counted.
    assert everything.floats.scores.num_answerable == 5
    assert drawn.floats.worst_precision_at_1 <= drawn.floats.means["P@1"]


def test_a_head_is_judged_on_each_query_once(protocols) -> None:
    found = evaluate_embedder(ColourModel(), protocols[:2]).attributes["label"]
    assert found.num_crops == 6
    assert found.precision_at_1 == pytest.approx(5 / 6)


def test_pairs_and_scores_are_those_of_the_colours(protocols) -> None:
    (shop, *_) = evaluate_embedder(ColourModel(), protocols).results
    assert shop.floats.scores.precision_at_1.tolist() == [1, 1, 0]
    assert shop.floats.histogram is not None
    assert shop.floats.histogram.num_positive == 3
    assert shop.floats.distances[2, 2] == 0.0  # the mislabelled one is as blue as the blue one


def test_a_head_is_compared_with_the_kind_of_label_that_it_has_learnt(protocols) -> None:
    found = evaluate_embedder(ColourModel(), protocols[:1], kind_of_head={"painted": {"label": "nothing"}})
    assert found.attributes == {}


def test_table_json_and_page_say_the_same(protocols, tmp_path, capsys) -> None:
    evaluation = evaluate_embedder(ColourModel(), protocols, num_broken=2)

    print_evaluation(evaluation)
    page = write_evaluation_page(tmp_path / "pages" / "e.html", evaluation).read_text()
    document = json.loads(json.dumps(json_values(evaluation.as_dict()), allow_nan=False))

    assert "2 images could not be read" in capsys.readouterr().out
    assert document["protocols"]["colours, shop"]["float"]["P@1"] == pytest.approx(2 / 3, abs=1e-6)
    assert document["protocols"]["colours, canonical"]["draws"] == 4
    assert "0.667" in page
    assert page.count("data:image/jpeg") >= 1  # the mislabelled one, beside what it was taken for
    assert "green → blue" in page
    assert "mislabelled.png" in page
    assert "squared distance" in page
    assert 'src="http' not in page


def test_a_page_of_nothing_but_right_answers_says_so(tmp_path: Path) -> None:
    crops = [crop(painted(tmp_path, f"{k}.png", c), n) for k, (n, c) in enumerate([("red", RED), ("blue", BLUE)] * 2)]
    evaluation = evaluate_embedder(ColourModel(), [leave_one_out("two", "each", crops, kind="label")])
    assert "0 of 4 queries" in write_evaluation_page(tmp_path / "e.html", evaluation).read_text()
