"""Which photos a step shows: the same from any step on, shared out among processes without loss."""

import itertools

import pytest
import torch

from training.engine.processes import Processes
from training.engine.run_batches import RunBatches, View
from training.engine.seeded_views import SeededViews


class Epochs:
    """Batches of uneven sizes that depend on the epoch; photo 5 comes twice."""

    epoch = 0

    def __len__(self):
        return 3

    def __iter__(self):
        yield [0 + self.epoch, 5, 2]
        yield [5]
        yield [3, 4]


def batches(rank=0, count=1, first_step=0):
    run = RunBatches(Epochs(), epochs=3, processes=Processes(rank=rank, count=count, device=torch.device("cpu")))
    run.first_step = first_step
    return run


@pytest.mark.parametrize("first_step", range(10))
def test_a_resumed_run_sees_what_was_left(first_step):
    assert list(batches(first_step=first_step)) == list(batches())[first_step:]
    assert len(list(batches())) == 9


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_processes_share_every_batch_without_loss_or_repetition(count):
    parts = [list(batches(rank, count)) for rank in range(count)]
    for step, whole in enumerate(batches()):
        counted = [view for part in parts for view in part[step] if view.counts]
        assert sorted(counted, key=lambda v: (v.index, v.showing)) == sorted(whole, key=lambda v: (v.index, v.showing))
        assert all(part[step] for part in parts)  # a stand-in at least: every process takes part
        assert batches().views_at(step) == whole


def test_a_photo_shown_twice_in_an_epoch_has_two_views():
    of_photo_5 = [view for batch in itertools.islice(batches(), 3) for view in batch if view.index == 5]
    assert of_photo_5 == [View(0, 5, 0), View(0, 5, 1)]


class Noise:
    def __len__(self):
        return 6

    def __getitem__(self, index):
        return torch.rand(3).tolist()


def test_a_view_depends_on_seed_epoch_photo_and_showing_alone():
    views = [View(epoch, index, showing) for epoch in (0, 1) for index in (0, 1) for showing in (0, 1)]
    drawn = [SeededViews(Noise(), seed=0)[view][1] for view in views]
    torch.manual_seed(99)
    again = [SeededViews(Noise(), seed=0)[view][1] for view in reversed(views)]
    assert again[::-1] == drawn
    assert len({tuple(values) for values in drawn}) == len(views)
    assert SeededViews(Noise(), seed=1)[views[0]][1] != drawn[0]


def test_drawing_a_view_leaves_the_training_process_s_own_generator_alone():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    SeededViews(Noise(), seed=0)[View(0, 0, 0)]
    assert torch.rand(1) == expected
