"""What label propagation would cost with the whole taxonomy instead of the part that the served heads can answer.

    python -m training.studies.taxonomy_size

Both graphs run in turns in this process, on one thread, over the same made-up candidates. Their answers must be equal.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from training.data.roots import REPOSITORY_ROOT
from training.detector.served_weights import served_class_ids
from training.export.label_propagation import build_label_propagation
from training.export.served_taxonomy import served_taxonomy
from training.publish.served_models import read_served_models
from training.taxonomy import Taxonomy, load_taxonomy

CANDIDATES = 1000
OBJECTS_PER_PHOTO = (4, 30)
REPOSITORY = REPOSITORY_ROOT / "model_repository"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print a line for a quiet and for a busy photo; 1 if the answers differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300, help="runs of each graph (default: %(default)s)")
    rounds = parser.parse_args(argv).rounds
    graphs = {h: REPOSITORY / h / str(v) / "model.onnx" for h, v in read_served_models().heads.items()}
    classes_per_head = {head: served_class_ids(graph) for head, graph in graphs.items()}
    whole = load_taxonomy()
    part = served_taxonomy(whole, graphs)
    sessions = {"part": _session(part, list(graphs)), "whole": _session(whole, list(graphs))}
    for num_objects in OBJECTS_PER_PHOTO:
        feeds = _candidates(np.random.default_rng(0), classes_per_head, num_objects)
        answers = {name: session.run(None, feeds) for name, session in sessions.items()}
        if not all(map(np.array_equal, answers["part"], answers["whole"])):
            print("error: the two answer differently", file=sys.stderr)
            return 1
        times_s: dict[str, list[float]] = {name: [] for name in sessions}
        for _ in range(rounds):
            for name, session in sessions.items():
                start_s = time.perf_counter()
                session.run(None, feeds)
                times_s[name].append(time.perf_counter() - start_s)
        median_ms = {name: 1e3 * float(np.median(values)) for name, values in times_s.items()}
        print(
            f"{num_objects} objects, {int(answers['part'][-1].item())} rows: {len(part)} categories "
            f"{median_ms['part']:.2f} ms, {len(whole)} categories {median_ms['whole']:.2f} ms, "
            f"{median_ms['whole'] / median_ms['part']:.2f} times as long"
        )
    return 0


def _session(taxonomy: Taxonomy, heads: Sequence[str]) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = build_label_propagation(taxonomy, heads).SerializeToString()
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _candidates(
    rng: np.random.Generator, classes_per_head: Mapping[str, Sequence[int]], num_objects: int
) -> dict[str, NDArray[np.generic]]:
    """As heads answer: a few sure candidates, a long tail around the threshold, many around each object."""
    feeds: dict[str, NDArray[np.generic]] = {
        "canvas_to_image": np.ones((1, 2), np.float32),
        "image_size": np.array([[667, 416]], np.int32),
    }
    for head, class_ids in classes_per_head.items():
        centers = rng.uniform(50, 600, (num_objects, 2))
        classes = rng.choice(class_ids, num_objects)
        object_of_row = rng.integers(0, num_objects, CANDIDATES)
        scores = np.sort(np.clip(rng.pareto(2, CANDIDATES) * 0.03, 0, 0.95))[::-1]
        locations = centers[object_of_row] + rng.normal(0, 8, (CANDIDATES, 2))
        feeds[f"{head}_locations"] = locations.astype(np.float32)[None]
        feeds[f"{head}_distances"] = rng.uniform(20, 60, (1, CANDIDATES, 4)).astype(np.float32)
        feeds[f"{head}_scores"] = scores.astype(np.float32)[None]
        feeds[f"{head}_class_ids"] = classes[object_of_row].astype(np.int32)[None]
    return feeds


if __name__ == "__main__":
    sys.exit(main())
