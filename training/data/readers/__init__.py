"""Readers of other people's data sets: COCO, LVIS, OpenImages, Pascal VOC. All give COCO's format in memory.

    annotations = read_annotations(Path("VOC2012"), "train")

docs/DATA.md shows the folders that they understand.
"""

from training.data.readers.read import FORMATS, DataFormat, read_annotations
from training.data.readers.split_annotations import Split, SplitAnnotations

__all__ = ["FORMATS", "DataFormat", "Split", "SplitAnnotations", "read_annotations"]
