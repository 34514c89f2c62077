"""`embedder.json` in a run folder: what the numbers of its weights mean, which no checkpoint says."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from training.atomic_file import write_atomically
from training.embedder.embedder import HeadSpec
from training.embedder.errors import EmbedderError

FILE = "embedder.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunLabels:
    """Of a run."""

    heads: tuple[HeadSpec, ...]
    classes: Mapping[str, Sequence[str]]
    """Of each loss that learns a centre for each, by index: `<set>/<product>`."""
    held_out: Mapping[str, Sequence[str]]
    """Products of each set that the run never shows."""

    def require_same(self, run_folder: Path) -> None:
        """Refuse to go on with a run that began with other labels.

        Raises:
            EmbedderError: the folder's run did.
        """
        path = run_folder / FILE
        if path.exists() and RunLabels.read(run_folder) != self:
            raise EmbedderError(
                f"{path}: the data has other labels, or other products are held out, than when this run began: "
                "name another --run-folder, or delete this one to start over"
            )

    def write(self, run_folder: Path) -> None:
        """Write the file."""
        run_folder.mkdir(parents=True, exist_ok=True)
        write_atomically(run_folder / FILE, (json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n").encode())

    @classmethod
    def read(cls, run_folder: Path) -> "RunLabels":
        """Read the file.

        Raises:
            EmbedderError: there is none, or it is damaged.
        """
        path = run_folder / FILE
        try:
            values = json.loads(path.read_text())
            return cls(
                heads=tuple(
                    HeadSpec(name=h["name"], kind=h["kind"], labels=tuple(h["labels"])) for h in values["heads"]
                ),
                classes={loss: tuple(names) for loss, names in values["classes"].items()},
                held_out={name: tuple(products) for name, products in values["held_out"].items()},
            )
        except FileNotFoundError as error:
            raise EmbedderError(f"{run_folder} is no run of an embedder: it has no {FILE}; train one first") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise EmbedderError(f"{path} is damaged ({error}); run its training again, which writes it anew") from error
