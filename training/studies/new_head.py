"""How long does a newcomer take to add a head for a category that nobody knows? A clone, a recipe, three commands.

    python -m training.studies.new_head --into out/studies/new_head      # a quarter of an hour of processor

The photos are those of a data set, under a label that the taxonomy lacks and from a folder that no mapping names, so
everything that is new for a new category happens: the category is adopted, the head trained, certified, connected,
released, served, and asked for val photos. Exit status 1 where the certificate shows that another head moved, or where
the served head does not find the category in most of them. Time is given as wall clock and as seconds of processor,
which other work on the machine hardly changes.
"""

import argparse
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from training.atomic_file import write_atomically
from training.data.coco_photos import CocoPhotos
from training.data.roots import REPOSITORY_ROOT, data_root, data_set_folder

HEAD = "head_newcomer"
GOAL_S = 15 * 60
"""On two cores, from the first command to a head that is released."""
ASKED_PHOTOS = 10
MIN_SCORE = 0.3
SERVER_PATIENCE_S = 600


class NewHeadFailed(RuntimeError):
    """A command of the walk-through failed, or the server did not come up."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command."""

    command: str
    wall_s: float
    processor_s: float


def main(argv: Sequence[str] | None = None) -> int:
    """Walk through, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m training.studies.new_head",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--into", type=Path, required=True, metavar="DIR", help="a folder that does not exist yet")
    parser.add_argument("--recipe", type=Path, default=REPOSITORY_ROOT / "recipes" / "raccoon.yaml")
    parser.add_argument("--label", default="trash panda", help="the new category's name (default: %(default)s)")
    parser.add_argument("--parent", default="carnivore", help="what it is a kind of (default: %(default)s)")
    parser.add_argument("--json", type=Path, default=Path("out/studies/new_head.json"), metavar="FILE")
    arguments = parser.parse_args(argv)
    into: Path = arguments.into.resolve()
    if into.exists():
        parser.error(f"--into must not exist: {into}")
    try:
        result = walk_through(into, like=arguments.recipe, label=arguments.label, parent=arguments.parent)
    except (NewHeadFailed, subprocess.CalledProcessError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    show(result, Console())
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(arguments.json, (json.dumps(result, indent=2) + "\n").encode())
    return 0 if result["other_heads_identical"] and result["is_found_in_most"] else 1


def walk_through(into: Path, *, like: Path, label: str, parent: str) -> dict[str, Any]:
    """Do what docs/ADDING.md says, in a fresh clone; return what goes into the JSON.

    Raises:
        NewHeadFailed: a command failed.
    """
    checkout = clone(into)
    recipe = prepare(checkout, like, label, parent)
    commands = (
        ("training", "train", str(recipe.relative_to(checkout))),
        ("training", "publish", f"runs/{recipe.stem}"),
        ("ensembles", "release", "new"),
    )
    steps = [timed(checkout, *command) for command in commands]
    certificate = json.loads((checkout / "releases" / "certificates" / f"{HEAD}-1.json").read_text())
    return report(steps, certificate, found_in(checkout, label))


def clone(into: Path) -> Path:
    """Clone what is committed here; nothing of this checkout's runs, caches or changes comes along."""
    into.mkdir(parents=True)
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY_ROOT), str(into / "checkout")], check=True)
    return into / "checkout"


def prepare(checkout: Path, like: Path, label: str, parent: str) -> Path:
    """Write what a newcomer brings, and return the recipe: photos beside the clone, and a recipe like another one."""
    values: dict[str, Any] = yaml.safe_load(like.read_text())
    source = data_set_folder(values["data_set"])
    folder = checkout.parent / "newcomer"
    shutil.copytree(source / "images", folder / "images")
    shutil.copy(source / "split.json", folder)
    document = json.loads((source / "annotations.json").read_text())
    (category,) = document["categories"]
    document["categories"] = [{"id": category["id"], "name": label}]
    (folder / "annotations.json").write_text(json.dumps(document))
    values |= {"head": HEAD, "data_set": "../newcomer", "categories": {label: [parent]}}
    recipe = checkout / "recipes" / "newcomer.yaml"
    recipe.write_text(yaml.safe_dump(values, sort_keys=False))
    return recipe


def timed(checkout: Path, module: str, *arguments: str) -> Step:
    """Run a command in the clone.

    Raises:
        NewHeadFailed: it ends with another status than 0.
    """
    command = " ".join(["python -m", module, *arguments])
    print(f"$ {command}", flush=True)
    started, used = time.monotonic(), _processor_s()
    ended = subprocess.run([sys.executable, "-m", module, *arguments], cwd=checkout, env=_environment(checkout))
    step = Step(command, time.monotonic() - started, _processor_s() - used)
    if ended.returncode:
        raise NewHeadFailed(f"in {checkout}: {command} ended with status {ended.returncode}; its words are above")
    return step


def found_in(checkout: Path, label: str) -> dict[str, float | None]:
    """Serve the clone and ask for val photos.

    Returns:
        For each photo the best score of a detection with the label; None where there is none above `MIN_SCORE`.
    """
    photos = [photo.path for photo in CocoPhotos(checkout.parent / "newcomer", "val").photos[:ASKED_PHOTOS]]
    with _server(checkout) as url:
        command = [sys.executable, "-m", "genod_client", "detect", *map(str, photos), "--url", url, "--json"]
        answered = subprocess.run(
            [*command, "--min-score", str(MIN_SCORE)],
            cwd=checkout,
            env=_environment(checkout),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    best: dict[str, float | None] = {}
    for photo in json.loads(answered.stdout)["photos"]:
        scores = [row["score"] for row in photo["detections"] if row["name"] == label and not row["is_propagated"]]
        best[Path(photo["photo"]).name] = max(scores, default=None)
    return best


@contextmanager
def _server(checkout: Path) -> Iterator[str]:
    """Serve the clone's models on free ports; yield the address of gRPC."""
    ports = ("--http-port", "0", "--grpc-port", "0", "--metrics-port", "0")
    process = subprocess.Popen(
        [sys.executable, "-m", "serving", *ports, "--ready-timeout-s", str(SERVER_PATIENCE_S)],
        cwd=checkout,
        env=_environment(checkout),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if ready := re.match(r"ready: .*(grpc://\S+)", line):
                yield ready[1]
                return
        raise NewHeadFailed(f"the server in {checkout} ended before it was ready; see out/serving/tritonserver.log")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SERVER_PATIENCE_S)


def report(
    steps: Sequence[Step], certificate: Mapping[str, Any], best_scores: Mapping[str, float | None]
) -> dict[str, Any]:
    """Return what goes into the JSON."""
    wall_s = sum(step.wall_s for step in steps)
    new = [c for c in certificate["categories"] if c["before"] is None and c["label"] in certificate["classes"]]
    return {
        "cores": os.cpu_count(),
        "steps": [{name: _rounded(value) for name, value in asdict(step).items()} for step in steps],
        "wall_s": round(wall_s, 1),
        "processor_s": round(sum(step.processor_s for step in steps), 1),
        "goal_wall_s": GOAL_S,
        "is_within_goal": wall_s <= GOAL_S,
        "trained_on": [{k: d[k] for k in ("name", "role", "train_photos")} for d in certificate["trained_on"]],
        "AP_of_the_new": {c["label"]: round(c["after"], 4) for c in new},
        "other_heads_identical": bool(certificate["probe"])
        and all(answer["before_sha256"] == answer["after_sha256"] for answer in certificate["probe"]),
        "largest_loss_of_another": round(
            max((c["before"] - c["after"] for c in certificate["categories"] if c["before"] is not None), default=0.0),
            4,
        ),
        "best_score_by_photo": {name: None if s is None else round(s, 3) for name, s in best_scores.items()},
        "is_found_in_most": sum(s is not None for s in best_scores.values()) > len(best_scores) / 2,
    }


def show(result: Mapping[str, Any], console: Console) -> None:
    """Print the table and what was checked."""
    table = Table("command", "wall, s", "processor, s", title="A head for a category that nobody knows")
    for step in result["steps"]:
        table.add_row(step["command"], f"{step['wall_s']:.0f}", f"{step['processor_s']:.0f}")
    table.add_row("all", f"{result['wall_s']:.0f} of {result['goal_wall_s']}", f"{result['processor_s']:.0f}")
    console.print(table)
    console.print(f"other heads on the probe set: {'identical' if result['other_heads_identical'] else 'DIFFERENT'}")
    found = sum(score is not None for score in result["best_score_by_photo"].values())
    console.print(f"found in {found} of {len(result['best_score_by_photo'])} val photos; AP {result['AP_of_the_new']}")


def _environment(checkout: Path) -> dict[str, str]:
    """This environment, but the clone's client in place of the one that is installed; the data by its full path."""
    return {**os.environ, "PYTHONPATH": str(checkout / "clients"), "GENOD_DATA": str(data_root().resolve())}


def _processor_s() -> float:
    """Seconds of processor of all commands that have ended, and of what they started."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _rounded(value: str | float) -> str | float:
    return round(value, 1) if isinstance(value, float) else value


if __name__ == "__main__":
    sys.exit(main())
