import numpy as np

from loadtest.blocks import MOST_BLOCKS, latency_blocks
from loadtest.histograms import decode


def test_requests_fall_into_the_block_in_which_they_were_due():
    blocks = latency_blocks(np.array([2.5, 0.0, 0.9, 1.0]), np.array([40.0, 10.0, np.nan, 30.0]), duration_s=3.0)
    assert [(block.start_s, block.duration_s, block.sent) for block in blocks] == [(0, 1, 2), (1, 1, 1), (2, 1, 1)]
    assert [decode(block.histogram).get_total_count() for block in blocks] == [1, 1, 1]


def test_a_long_run_has_no_more_blocks_than_a_report_can_carry():
    for duration_s in (60.0, 120.0, 121.0, 3600.0):
        blocks = latency_blocks(np.empty(0), np.empty(0), duration_s=duration_s)
        assert 60 <= len(blocks) <= MOST_BLOCKS
        assert len(blocks) * blocks[0].duration_s <= duration_s


def test_what_is_left_at_the_end_is_no_block():
    blocks = latency_blocks(np.array([0.5, 1.2]), np.array([1.0, 1.0]), duration_s=1.4)
    assert [block.sent for block in blocks] == [1]
    assert latency_blocks(np.array([0.1]), np.array([1.0]), duration_s=0.5) == ()
