"""What the images of one request (batch > 1) have to agree on, and how an error names its row."""

from collections.abc import Sequence

from image_refused import ImageRefusedError, RefusalReason
from letterbox import is_landscape


def check_one_orientation(image_sizes: Sequence[tuple[int, int]]) -> None:
    """Refuses a request that mixes orientations: its output is one tensor, and a tensor has one shape.

    Args:
        image_sizes: Width and height of each row's upright original.

    Raises:
        ImageRefusedError: ``mixed_orientations``, naming the rows of each orientation.
    """
    landscape_rows = [row for row, size in enumerate(image_sizes) if is_landscape(size)]
    portrait_rows = [row for row in range(len(image_sizes)) if row not in landscape_rows]
    if landscape_rows and portrait_rows:
        raise ImageRefusedError(
            RefusalReason.MIXED_ORIENTATIONS,
            f"rows {_listed(landscape_rows)} are landscape and rows {_listed(portrait_rows)} portrait, but "
            "the images of one request must share an orientation (a square counts as landscape); send one "
            "request per orientation, or one per image: the server batches by itself",
        )


def annotate_row(error: Exception, row: int, row_count: int) -> Exception:
    """Names the row in a refusal, where a request has several."""
    if row_count == 1 or not isinstance(error, ImageRefusedError):
        return error
    return ImageRefusedError(error.reason, f"row {row} of {row_count}: {error.detail}")


def _listed(rows: Sequence[int]) -> str:
    return ", ".join(map(str, rows))
