"""Two processes that share a batch get the losses and the gradients of one that has it all."""

import multiprocessing

import pytest
import torch

from tests.training.embedder.losses.losses_in_a_process import LOSSES, PARTS, batch, results, run_one_of_two
from training.detector.global_batch import alone
from training.embedder.losses.gathered import gather_rows, sum_with_gradient

PATIENCE_S = 600

pytestmark = pytest.mark.timeout(900)  # two processes that each load torch, beside whatever else runs


@pytest.fixture(scope="module")
def of_two(tmp_path_factory):
    """What both processes found, by rank."""
    folder = tmp_path_factory.mktemp("two")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.training.embedder.losses.losses_in_a_process"])
    processes = [context.Process(target=run_one_of_two, args=(rank, str(folder))) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE_S)
    codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    assert codes == [0, 0]
    return [torch.load(folder / f"rank{rank}.pt") for rank in range(2)]


@pytest.fixture(scope="module")
def of_one():
    return {dtype: results(batch(dtype), dtype) for dtype in (torch.float32, torch.float64)}


def assert_close(ours, theirs, dtype):
    rtol = {torch.float32: 1e-4, torch.float64: 1e-10}[dtype]
    torch.testing.assert_close(ours, theirs, rtol=rtol, atol=rtol * max(1e-3, float(theirs.abs().max())))


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("loss", LOSSES)
def test_shares_add_up_to_the_loss_and_gradients_to_its_gradient(of_two, of_one, loss, parts, dtype):
    first, second = (found[parts, dtype][loss] for found in of_two)
    expected = of_one[dtype][loss]
    assert expected["share"] > 0
    assert_close(first["share"] + second["share"], expected["share"], dtype)
    for name, gradient in expected["weights"].items():
        if gradient is not None:
            assert_close(first["weights"][name] + second["weights"][name], gradient, dtype)
    for name, gradient in expected["rows"].items():
        if gradient is None:
            continue
        # A row's whole gradient arrives where the row is, whichever process used it.
        ours = torch.zeros_like(gradient)
        for rows, part in zip(PARTS[parts], (first, second), strict=True):
            if rows:
                ours[rows] = part["rows"][name]
        assert_close(ours, gradient, dtype)


@pytest.mark.parametrize("parts", PARTS)
def test_the_statistics_of_a_norm_are_those_of_the_whole_batch_in_both(of_two, of_one, parts, dtype):
    for found in of_two:
        for name, value in of_one[dtype]["synchronised_norm"]["statistics"].items():
            assert_close(found[parts, dtype]["synchronised_norm"]["statistics"][name], value, dtype)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_process_that_only_takes_part_changes_nothing(of_two, of_one, loss, dtype):
    worker, spectator = (found["spectator", dtype][loss] for found in of_two)
    expected = of_one[dtype][loss]
    assert_close(worker["share"], expected["share"], dtype)
    for kind in ("rows", "weights"):
        for name, gradient in expected[kind].items():
            if gradient is not None:
                assert_close(worker[kind][name], gradient, dtype)
                assert (spectator[kind][name] == 0).all()
    if loss == "synchronised_norm":
        for name, value in expected["statistics"].items():
            assert_close(worker["statistics"][name], value, dtype)
            assert_close(spectator["statistics"][name], value, dtype)


def test_rows_are_stacked_by_rank_whatever_their_number(of_two):
    for found in of_two:
        assert found["gathered"].tolist() == [[0, 1, 2], [0, 1, 2], [3, 4, 5]]


def test_one_process_keeps_its_rows():
    rows = torch.ones(2, 3, requires_grad=True)
    assert gather_rows(rows) is rows
    assert sum_with_gradient(rows) is rows
    with alone():
        assert gather_rows(rows) is rows
