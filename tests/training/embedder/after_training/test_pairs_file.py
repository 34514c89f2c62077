import numpy as np
import pytest

from training.embedder.after_training.errors import PairsError
from training.embedder.after_training.pairs_file import read_pairs, write_pairs


def test_pairs_are_read_with_what_else_the_file_says(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text('\ufeffimage,query,relevance,shop\na.jpg,"apple, red",4,x\nb.jpg,milk,,y\na.jpg,"apple, red",1,z\n')

    pairs = read_pairs(path)

    assert pairs.images == ("a.jpg", "b.jpg")
    assert pairs.queries == ("apple, red", "milk")
    assert pairs.indices.tolist() == [[0, 0], [1, 1]]
    assert pairs.repeated == 1
    assert pairs.relevance is not None
    np.testing.assert_array_equal(pairs.relevance, [4, np.nan])
    assert pairs.rows[0]["shop"] == "x"
    write_pairs(tmp_path / "again.csv", pairs.columns, pairs.rows)
    assert read_pairs(tmp_path / "again.csv").rows == pairs.rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "header with image and query, got nothing"),
        ("image,text\na,b\n", "got image, text"),
        ("image,query\n", "no pair"),
        ("image,query\na.jpg\n", "line 2 must have 2 fields"),
        ("image,query\na.jpg,b,c\n", "line 2 must have 2 fields"),
        ("image,query\na.jpg,!\n", "line 2 must have an image and a query"),
        ("image,query,relevance\na.jpg,b,7\n", "relevance must be a number from 0 to 4"),
    ],
)
def test_a_file_that_is_none_is_refused_by_its_line(tmp_path, text, message):
    path = tmp_path / "pairs.csv"
    path.write_text(text)

    with pytest.raises(PairsError, match=message):
        read_pairs(path)
