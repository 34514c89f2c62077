"""What several tests of the loop need."""

import pytest
import torch


@pytest.fixture(scope="module")
def one_thread():
    """Sums in one order: what is compared to the bit or nearly so must not depend on how many cores there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
