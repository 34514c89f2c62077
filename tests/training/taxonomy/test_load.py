import pytest

from training.taxonomy import Category, TaxonomyFileError, load_taxonomy


def write(tmp_path, text):
    path = tmp_path / "taxonomy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_entries_are_read_as_written_in_the_order_of_the_file(tmp_path):
    path = write(tmp_path, "categories:\n  - {id: 17, name: cat, parents: [animal]}\n  - {id: 3, name: animal}\n")
    assert load_taxonomy(path).categories == (Category(17, "cat", ("animal",)), Category(3, "animal"))


def test_names_stay_text_where_yaml_would_make_them_something_else(tmp_path):
    path = write(tmp_path, "categories:\n- {id: 1, name: no}\n- {id: 2, name: 1e3, parents: [no]}\n")
    assert [category.name for category in load_taxonomy(path)] == ["no", "1e3"]


ENTRIES = "categories:\n- {id: 1, name: animal}\n- {id: 2, name: cat, parents: [animal]}\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (ENTRIES + "- {id: 2, name: dog}\n", 4, "id 2 of 'dog' already belongs to 'cat'.*declared at .*:3"),
        (ENTRIES + "- {id: 3, name: cat}\n", 4, "'cat' of id 3 already belongs to id 2.*declared at .*:3"),
        (ENTRIES + "- {id: 3, name: dog, parents: [animl]}\n", 4, "parent 'animl', did you mean 'animal'"),
        ("categories:\n- {id: 1, name: a, parents: [b]}\n- {id: 2, name: b, parents: [a]}\n", "[23]",
         "own ancestor: (a -> b -> a|b -> a -> b)"),
        (ENTRIES + "- {id: three, name: dog}\n", 4, "expected a whole number, got 'three'"),
        (ENTRIES + "- {id: 3.0, name: dog}\n", 4, "expected a whole number, got '3.0'"),
        (ENTRIES + "- {id: -3, name: dog}\n", 4, "ids must lie between 1"),
        (ENTRIES + "- {id: 3}\n", 4, "missing key 'name'"),
        (ENTRIES + "- {id: 3, name: dog, parent: animal}\n", 4, "key 'parent'; allowed: id, name, parents"),
        (ENTRIES + "- {id: 3, id: 4, name: dog}\n", 4, "the key 'id' is there twice"),
        (ENTRIES + "- {id: 3, name: dog, parents: animal}\n", 4, "expected a list, got 'animal'"),
        (ENTRIES + "- dog\n", 4, "expected a mapping of 'key: value', got 'dog'"),
        (ENTRIES + "- {id: 3, name: [dog]}\n", 4, "expected text, got a list"),
        ("classes: []\n", 1, "unknown key 'classes'; allowed: categories"),
        ("- 1\n", 1, "expected a mapping of 'key: value', got a list"),
        ("categories: [\n", 2, "not YAML"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_file_and_line(tmp_path, text, line, message):
    with pytest.raises(TaxonomyFileError, match=rf"taxonomy\.yaml:{line}: .*{message}"):
        load_taxonomy(write(tmp_path, text))


def test_missing_empty_and_binary_files_are_refused(tmp_path):
    with pytest.raises(TaxonomyFileError, match="no such file"):
        load_taxonomy(tmp_path / "missing.yaml")
    with pytest.raises(TaxonomyFileError, match="empty"):
        load_taxonomy(write(tmp_path, "# nothing\n"))
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TaxonomyFileError, match="not UTF-8"):
        load_taxonomy(tmp_path / "binary.yaml")
