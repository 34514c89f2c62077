"""What a server announces: what its heads can answer, and nothing else."""

import numpy as np
import onnx
import pytest

from tests.conftest import REPO_ROOT
from tests.training.export.test_label_propagation import OUTPUTS, SMALL, Graph, random_image
from tests.training.taxonomy.taxonomies import random_taxonomy
from training.export.served_taxonomy import served_taxonomy
from training.publish.served_models import read_served_models
from training.taxonomy import load_taxonomy, taxonomy_json

REPOSITORY = REPO_ROOT / "model_repository"


def test_the_served_taxonomy_is_the_heads_classes_and_all_above_them():
    served = read_served_models()
    graphs = {head: REPOSITORY / head / str(version) / "model.onnx" for head, version in served.heads.items()}
    taxonomy = served_taxonomy(load_taxonomy(), graphs)
    folder = REPOSITORY / "label_propagation" / str(served.shared["label_propagation"])
    assert (folder / "taxonomy.json").read_text(encoding="utf-8") == taxonomy_json(taxonomy)
    properties = {p.key: p.value for p in onnx.load(folder / "model.onnx", load_external_data=False).metadata_props}
    assert properties["heads"] == str(list(graphs)).replace("'", '"')
    assert "raccoon" not in {category.name for category in taxonomy} or "head_raccoon" in graphs
    assert {"cat", "carnivore", "animal"} <= {category.name for category in taxonomy}


@pytest.mark.parametrize("seed", range(4))
def test_the_answers_are_those_of_the_whole_taxonomy(seed):
    rng = np.random.default_rng(seed)
    whole = random_taxonomy(rng, 60)
    detected = rng.choice([category.id for category in whole], size=6, replace=False).tolist()
    part = whole.closure(detected)
    assert len(part) < len(whole)
    of_part = Graph(part, ["head"], SMALL)
    images = [random_image(rng, of_part, num_candidates=12, num_objects=3) for _ in range(3)]
    expected = Graph(whole, ["head"], SMALL).run(images)
    actual = of_part.run(images)
    for name in OUTPUTS:
        np.testing.assert_array_equal(actual[name], expected[name])
