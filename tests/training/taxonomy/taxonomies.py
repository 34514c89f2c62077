"""Taxonomies for tests."""

from collections.abc import Mapping, Sequence

import numpy as np
from hypothesis import strategies as st

from training.taxonomy import Category, Taxonomy


def taxonomy_of(parents_by_name: Mapping[str, Sequence[str]], ids: Sequence[int] | None = None) -> Taxonomy:
    """`taxonomy_of({"animal": [], "cat": ["animal"]})`; ids count from 1 unless given."""
    ids = range(1, len(parents_by_name) + 1) if ids is None else ids
    return Taxonomy(
        tuple(
            Category(category_id, name, tuple(parents))
            for category_id, (name, parents) in zip(ids, parents_by_name.items(), strict=True)
        )
    )


def random_taxonomy(rng: np.random.Generator, num_categories: int) -> Taxonomy:
    """A random directed acyclic graph with sparse ids in no order, up to three parents each."""
    ids = rng.choice(np.arange(1, 5 * num_categories), size=num_categories, replace=False).tolist()
    names = [f"c{i}" for i in range(num_categories)]
    parents_by_name = {
        name: [names[p] for p in rng.permutation(i)[: int(rng.integers(0, 4))]] for i, name in enumerate(names)
    }
    return taxonomy_of(parents_by_name, ids)


@st.composite
def taxonomies(draw: st.DrawFn, max_categories: int = 8) -> Taxonomy:
    """Any taxonomy of a few categories, written in any order."""
    names = [f"c{i}" for i in range(draw(st.integers(1, max_categories)))]
    ids = draw(st.lists(st.integers(1, 99), min_size=len(names), max_size=len(names), unique=True))
    categories = [
        Category(category_id, name, tuple(draw(st.lists(st.sampled_from(names[:i]), unique=True)) if i else ()))
        for i, (category_id, name) in enumerate(zip(ids, names, strict=True))
    ]
    return Taxonomy(tuple(draw(st.permutations(categories))))
