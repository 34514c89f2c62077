"""A batch on its way from a loader to a step: nothing is lost, and little is sent."""

import pickle

import torch

from training.data.feature_cache import FeatureSample
from training.data.training_photos import TrainingSample
from training.engine.loaded_batch import LoadedBatch
from training.engine.run_batches import View


def training_sample(boxes):
    generator = torch.Generator().manual_seed(boxes)
    return TrainingSample(
        torch.randint(0, 255, (4, 6, 3), dtype=torch.uint8, generator=generator),
        torch.rand(boxes, 4, generator=generator),
        torch.arange(boxes),
        torch.tensor([True, boxes > 1]),
        boxes > 0,
    )


def feature_sample(boxes):
    levels = tuple(torch.rand(2, 3 - k, 4) + boxes for k in range(2))
    return FeatureSample(levels, torch.rand(boxes, 4), torch.arange(boxes), torch.tensor([True]))


def tensors_of(sample):
    for name in sample.__slots__:
        value = getattr(sample, name)
        yield from value if isinstance(value, tuple) else [torch.as_tensor(value)]


def test_samples_come_out_as_they_went_in_whatever_the_number_of_boxes():
    for make in (training_sample, feature_sample):
        samples = [make(boxes) for boxes in (2, 0, 3)]
        items = [(View(0, k, 0), sample) for k, sample in enumerate(samples)]
        batch = pickle.loads(pickle.dumps(LoadedBatch.collate(items))).to(torch.device("cpu"))
        assert [view.index for view in batch.views] == [0, 1, 2]
        assert batch.counts
        for ours, theirs in zip(batch.samples, samples, strict=True):
            assert type(ours) is type(theirs)
            for a, b in zip(tensors_of(ours), tensors_of(theirs), strict=True):
                assert a.dtype == b.dtype
                assert torch.equal(a, b)


def test_a_large_batch_sends_no_more_tensors_than_a_small_one():
    def count(size):
        items = [(View(0, k, 0), training_sample(1)) for k in range(size)]
        sent = []
        LoadedBatch.collate(items)._moved(lambda tensor: sent.append(tensor) or tensor)  # type: ignore[func-returns-value]
        return len(sent)

    assert count(64) == count(1) == 4
