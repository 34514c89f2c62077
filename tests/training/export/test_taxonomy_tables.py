from tests.training.taxonomy.taxonomies import taxonomy_of
from training.export.taxonomy_tables import TaxonomyTables


def test_rows_run_from_specific_to_general_and_chains_are_filled_up_with_the_category_itself():
    tables = TaxonomyTables.of(
        taxonomy_of({"thing": [], "computer": ["thing"], "laptop": ["thing", "computer"], "cup": []}, ids=[6, 4, 3, 1])
    )
    assert tables.id_of_row.tolist() == [3, 4, 1, 6]
    assert tables.row_of_id.tolist() == [-1, 2, -1, 0, 1, -1, 3, -1]
    assert tables.chain_of_row.tolist() == [[0, 1, 3], [1, 3, 1], [2, 2, 2], [3, 3, 3]]
    assert tables.chain_is_filled.tolist() == [[1, 1, 1], [1, 1, 0], [1, 0, 0], [1, 0, 0]]
