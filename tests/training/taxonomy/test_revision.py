import subprocess

import pytest

from training.taxonomy import TaxonomyError
from training.taxonomy.revision import load_revision

OLD = "categories:\n- {id: 1, name: animal}\n- {id: 2, name: cat, parents: [animal]}\n"
NEW = OLD + "- {id: 3, name: dog, parents: [animal]}\n"


@pytest.fixture
def repository(tmp_path):
    """A git repository whose first commit holds `OLD`, and whose files are `NEW`; returns how to read a revision."""
    folder = tmp_path / "repository" / "taxonomy"
    (folder / "mappings").mkdir(parents=True)
    (folder / "taxonomy.yaml").write_text(OLD)
    (folder / "mappings" / "pets.yaml").write_text("dataset: pets\nlabels: {Kitty: cat}\n")
    (folder / "mappings" / "README.md").write_text("not a mapping")
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"], ["tag", "v1"]):
        subprocess.run([*git, *arguments], check=True)
    (folder / "taxonomy.yaml").write_text(NEW)
    (folder / "mappings" / "pets.yaml").write_text("dataset: pets\nlabels: {Kitty: cat, Rex: dog}\n")
    paths = {"taxonomy_path": folder / "taxonomy.yaml", "mappings_folder": folder / "mappings"}
    return lambda revision: load_revision(str(revision), **paths)


@pytest.mark.parametrize("revision", ["HEAD", "v1"])
def test_a_git_revision_is_read_as_it_was(repository, revision):
    read = repository(revision)
    assert [category.name for category in read.taxonomy] == ["animal", "cat"]
    assert [(m.dataset, dict(m.category_id_by_label)) for m in read.mappings] == [("pets", {"Kitty": 2})]


def test_a_file_is_a_taxonomy_without_mappings(repository, tmp_path):
    (tmp_path / "other.yaml").write_text(OLD)
    read = repository(tmp_path / "other.yaml")
    assert len(read.taxonomy) == 2
    assert read.mappings is None


def test_a_folder_holds_both(repository, tmp_path):
    read = repository(tmp_path / "repository" / "taxonomy")
    assert len(read.taxonomy) == 3
    assert dict(read.mappings[0].category_id_by_label) == {"Kitty": 2, "Rex": 3}


@pytest.mark.parametrize("revision", ["v2", "--help", "HEAD:nothing"])
def test_what_is_no_revision_is_refused_with_what_may_be_given(repository, revision):
    with pytest.raises(
        TaxonomyError, match=r"there is no revision .*: give a git revision .* a taxonomy file, or a folder"
    ):
        repository(revision)


def test_a_revision_that_cannot_be_read_is_named_with_its_line(repository, tmp_path):
    folder = tmp_path / "repository" / "taxonomy"
    (folder / "taxonomy.yaml").write_text(OLD + "- {id: 2, name: dog}\n")
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run([*git, "commit", "-q", "-a", "-m", "broken"], check=True)
    with pytest.raises(TaxonomyError, match=r"^HEAD:taxonomy\.yaml:4: the id 2|^HEAD:taxonomy\.yaml:4: id 2 of 'dog'"):
        repository("HEAD")


def test_a_place_outside_any_repository_has_no_git_revision(tmp_path):
    with pytest.raises(TaxonomyError, match="there is no revision 'HEAD'"):
        load_revision("HEAD", taxonomy_path=tmp_path / "taxonomy.yaml", mappings_folder=tmp_path)
