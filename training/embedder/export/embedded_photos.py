"""The objects of many photos as arrays in one file, for an index."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from training.atomic_file import write_atomically

Array = npt.NDArray[Any]


class EmbeddedPhotos:
    """What `visual_search` answers for photos, without the rows that are padding.

    The file, O objects of P photos:
        `photos` text [P]: as they were named.
        `photo_of_object` int32 [O]: index into `photos`.
        `boxes` float32 [O, 4]: x1, y1, x2, y2 in pixels of the upright photo.
        `class_ids` int32 [O], `scores` float32 [O].
        `hashes` uint8 [O, 32], `embeddings` float32 [O, D].
        `image_sizes` int32 [P, 2]: width, height.
        `embedder_version` text []: hashes of another version cannot be compared with these.
    """

    OUTPUTS: ClassVar = (
        "num_objects",
        "image_size",
        "object_boxes",
        "object_class_ids",
        "object_scores",
        "hashes",
        "embeddings",
    )
    """Of the ensemble."""
    _ROWS: ClassVar = {
        "boxes": "object_boxes",
        "class_ids": "object_class_ids",
        "scores": "object_scores",
        "hashes": "hashes",
        "embeddings": "embeddings",
    }
    """Array in the file -> output with a row for each object."""

    def __init__(self, *, embedder_version: str) -> None:
        self._embedder_version = embedder_version
        self._photos: list[str] = []
        self._answers: list[Mapping[str, Array]] = []

    @property
    def num_photos(self) -> int:
        """Photos so far."""
        return len(self._photos)

    @property
    def num_objects(self) -> int:
        """Objects so far."""
        return sum(self._counts())

    def add(self, photo: str, answer: Mapping[str, Array]) -> None:
        """Add a photo's answer: OUTPUTS without a batch dimension."""
        count = int(answer["num_objects"][0])
        self._photos.append(photo)
        rows = {output: answer[output][:count] for output in self._ROWS.values()}
        self._answers.append({**rows, "num_objects": answer["num_objects"], "image_size": answer["image_size"]})

    def write(self, path: Path) -> None:
        """Write the file in one step.

        Raises:
            OSError: the folder is missing, or the disk full.
        """
        file = io.BytesIO()
        np.savez(
            file,
            photos=np.array(self._photos, dtype=np.str_),
            photo_of_object=np.repeat(np.arange(self.num_photos, dtype=np.int32), self._counts()),
            image_sizes=np.stack([answer["image_size"] for answer in self._answers]),
            embedder_version=np.array(self._embedder_version),
            **{
                name: np.concatenate([answer[output] for answer in self._answers])
                for name, output in self._ROWS.items()
            },
        )
        write_atomically(path, file.getvalue())

    def _counts(self) -> list[int]:
        return [int(answer["num_objects"][0]) for answer in self._answers]
