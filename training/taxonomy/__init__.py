"""The tree of categories above all heads and datasets: read, check, write and show it. Never imports torch.

    taxonomy = load_taxonomy()
    coco = load_mapping_of("coco", taxonomy)
    cat = coco.category_id("cat")
    [taxonomy.name_of(category_id) for category_id in taxonomy.ancestors(cat)]  # carnivore, mammal, animal
    write_taxonomy_json(Path("taxonomy.json"), taxonomy)

The categories are in `taxonomy.yaml`, what the labels of a dataset mean in `mappings/<dataset>.yaml`.
"""

from training.taxonomy.category import Category
from training.taxonomy.dataset_mapping import DatasetMapping, Departure
from training.taxonomy.errors import (
    InvalidTaxonomyError,
    TaxonomyError,
    TaxonomyFileError,
    UnknownCategoryError,
    UnmappedLabelError,
)
from training.taxonomy.load import TAXONOMY_PATH, load_taxonomy
from training.taxonomy.mapping import MAPPINGS_DIR, load_mapping, load_mapping_of, load_mappings
from training.taxonomy.taxonomy import Taxonomy
from training.taxonomy.taxonomy_json import taxonomy_json, write_taxonomy_json

__all__ = [
    "MAPPINGS_DIR",
    "TAXONOMY_PATH",
    "Category",
    "DatasetMapping",
    "Departure",
    "InvalidTaxonomyError",
    "Taxonomy",
    "TaxonomyError",
    "TaxonomyFileError",
    "UnknownCategoryError",
    "UnmappedLabelError",
    "load_mapping",
    "load_mapping_of",
    "load_mappings",
    "load_taxonomy",
    "taxonomy_json",
    "write_taxonomy_json",
]
