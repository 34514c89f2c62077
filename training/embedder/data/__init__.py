"""Labelled crops: what an embedder learns from and is judged on.

    gallery = read_crop_set("grocery_store", "train")  # the shop's photos and, with the role "iconic", the catalogue's
    queries = read_crop_set("grocery_store", "val")
    pixels = crop_pixels(queries[0].open(), 224)

`read_whole_crop_set` also decodes every image and leaves out what is broken.
"""

from training.embedder.data.crop_pixels import crop_pixels
from training.embedder.data.labelled_crop import CropSplit, LabelledCrop
from training.embedder.data.read_crop_set import CropSet, crop_set_folder, read_crop_set, read_whole_crop_set

__all__ = [
    "CropSet",
    "CropSplit",
    "LabelledCrop",
    "crop_pixels",
    "crop_set_folder",
    "read_crop_set",
    "read_whole_crop_set",
]
