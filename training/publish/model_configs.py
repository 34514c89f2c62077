"""The configs that a new head needs: its own, like that of the head before it, and its inputs of label propagation."""

import re
from pathlib import Path

from training.atomic_file import write_atomically
from training.publish.errors import PublishError

_TENSORS = (
    ("locations", "FP32", "1000, 2"),
    ("distances", "FP32", "1000, 4"),
    ("scores", "FP32", "1000"),
    ("class_ids", "INT32", "1000"),
)
"""What every head gives: name, type and dims."""


def configure_new_head(repository: Path, head: str, *, like: str) -> None:
    """Write config.pbtxt and configs/<target>.pbtxt of a head that has none, as those of another head.

    Raises:
        PublishError: the other head has no config.
    """
    model = repository / like
    if not (model / "config.pbtxt").is_file():
        raise PublishError(f"{model}/config.pbtxt is missing: {head} is to be configured like {like}")
    for source in (model / "config.pbtxt", *sorted((model / "configs").glob("*.pbtxt"))):
        target = repository / head / source.relative_to(model)
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
        if lines[0].startswith(f"# {like}:"):
            lines[0] = f"# {head}: feature pyramid -> the 1000 best (location, class) candidates of its classes.\n"
        write_atomically(target, "".join(lines).replace(like, head).encode())


def connect_head(config_path: Path, head: str, *, after: str) -> None:
    """Add a head's four tensors to label propagation's inputs and warm-ups, behind those of another head; once.

    Raises:
        PublishError: the other head's inputs are not there, each on a line of its own.
    """
    text = config_path.read_text(encoding="utf-8")
    if f'"{head}_class_ids"' in text:
        return
    declared = "".join(
        f'  {{ name: "{head}_{name}" data_type: TYPE_{kind} dims: [ {dims} ] }},\n' for name, kind, dims in _TENSORS
    )
    warmed_up = "".join(
        f'    inputs {{ key: "{head}_{name}" value: {{ data_type: TYPE_{kind} dims: [ {dims} ] zero_data: true }} }}\n'
        for name, kind, dims in _TENSORS
    )
    for line, added in ((r'\{{ name: "{}_class_ids" .*', declared), (r'inputs \{{ key: "{}_class_ids" .*', warmed_up)):
        pattern = re.compile(rf"^ *{line.format(re.escape(after))}\n", re.MULTILINE)
        # \g<0> is the line itself.
        text, count = pattern.subn(rf"\g<0>{added}", text)
        if not count:
            raise PublishError(
                f"{config_path} has no line of {after}_class_ids that {head} could follow: {pattern.pattern}"
            )
    write_atomically(config_path, text.encode())
