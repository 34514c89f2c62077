"""Cut-outs of photos with boxes drawn on them, as text for a page that needs no other file."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from training.evaluation.columns import Record
from training.evaluation.ground_truth import Floats

WIDTH_PX, HEIGHT_PX = 260, 195
DETECTION, OBJECT = "#ff3b30", "#34c759"


class Crops:
    """Cuts out of photos in a folder; where there is no photo, out of a grey frame of its size."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.missing = 0
        """Photos that were asked for and could not be read."""

    def data_uri(self, image: Record, box: Floats, marked: Sequence[tuple[Floats, str]]) -> str:
        """Return a JPEG as a data: URI.

        Args:
            image: of the ground truth.
            box: FP64 [4], x, y, width, height in pixels: what to show, with its surroundings.
            marked: boxes to draw and their colours, the most important one last.
        """
        photo = self._photo(image, box)
        x, y, width, height = box
        whole = max(photo.width / WIDTH_PX, photo.height / HEIGHT_PX)  # photo pixels per tile pixel
        scale = min(max(width * 1.7 / WIDTH_PX, height * 1.7 / HEIGHT_PX, 24 / WIDTH_PX), whole)
        view_width, view_height = WIDTH_PX * scale, HEIGHT_PX * scale
        left, top = x + width / 2 - view_width / 2, y + height / 2 - view_height / 2
        # Rather the photo's edge at the tile's edge than an empty margin, where the photo is large enough.
        left = (
            min(max(left, 0), photo.width - view_width) if view_width <= photo.width else (photo.width - view_width) / 2
        )
        top = (
            min(max(top, 0), photo.height - view_height)
            if view_height <= photo.height
            else (photo.height - view_height) / 2
        )
        tile = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), "#20262e")
        visible = (max(left, 0), max(top, 0), min(left + view_width, photo.width), min(top + view_height, photo.height))
        size = (max(round((visible[2] - visible[0]) / scale), 1), max(round((visible[3] - visible[1]) / scale), 1))
        part = photo.resize(size, Image.Resampling.BILINEAR, box=visible)
        tile.paste(part, (round((visible[0] - left) / scale), round((visible[1] - top) / scale)))
        draw = ImageDraw.Draw(tile)
        for marked_box, colour in marked:
            corners = np.array([marked_box[:2], marked_box[:2] + marked_box[2:]])
            (x1, y1), (x2, y2) = ((corners - (left, top)) / scale).round().clip(-9, max(WIDTH_PX, HEIGHT_PX) + 9)
            draw.rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), outline="#000000", width=1)
            draw.rectangle((x1, y1, x2, y2), outline=colour, width=2)
        return jpeg_uri(tile)

    def _photo(self, image: Record, box: Floats) -> Image.Image:
        if self._folder is not None and image.get("file_name"):
            try:
                with Image.open(self._folder / str(image["file_name"])) as photo:
                    return photo.convert("RGB")
            except OSError:
                self.missing += 1
        x, y, width, height = box
        size = (int(image.get("width") or x + width * 1.5 + 1), int(image.get("height") or y + height * 1.5 + 1))
        return Image.new("RGB", size, "#7b8794")


def jpeg_uri(tile: Image.Image) -> str:
    """Return a picture as a data: URI."""
    file = io.BytesIO()
    tile.save(file, "JPEG", quality=80, subsampling=0)  # full colour: boxes are thin
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
