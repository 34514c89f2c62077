import numpy as np

from training.embedder.export.embedded_photos import EmbeddedPhotos


def answer(count, size=(640, 480)):
    rng = np.random.default_rng(count)
    is_object = np.arange(16) < count
    return {
        "num_objects": np.array([count], np.int32),
        "image_size": np.array(size, np.int32),
        "object_boxes": rng.random((16, 4), np.float32) * is_object[:, None],
        "object_class_ids": rng.integers(1, 9, 16, np.int32) * is_object,
        "object_scores": rng.random(16, np.float32) * is_object,
        "hashes": rng.integers(0, 256, (16, 32), np.uint8) * is_object[:, None],
        "embeddings": rng.random((16, 400), np.float32) * is_object[:, None],
    }


def test_the_file_holds_the_objects_of_every_photo_and_no_padding(tmp_path):
    photos = EmbeddedPhotos(embedder_version="3f")
    counts = {"a.jpg": 2, "none.jpg": 0, "full.jpg": 16}
    for name, count in counts.items():
        photos.add(name, answer(count))
    assert (photos.num_photos, photos.num_objects) == (3, 18)
    photos.write(tmp_path / "photos.npz")

    with np.load(tmp_path / "photos.npz") as file:
        assert str(file["embedder_version"]) == "3f"
        assert file["photos"].tolist() == list(counts)
        assert file["photo_of_object"].tolist() == [0] * 2 + [2] * 16
        assert file["image_sizes"].tolist() == [[640, 480]] * 3
        assert (file["hashes"].shape, file["hashes"].dtype) == ((18, 32), np.uint8)
        np.testing.assert_array_equal(file["boxes"][:2], answer(2)["object_boxes"][:2])
        np.testing.assert_array_equal(file["embeddings"][2:], answer(16)["embeddings"])


def test_photos_without_objects_make_a_file_too(tmp_path):
    photos = EmbeddedPhotos(embedder_version="3f")
    photos.add("none.jpg", answer(0))
    photos.write(tmp_path / "photos.npz")
    with np.load(tmp_path / "photos.npz") as file:
        assert file["hashes"].shape == (0, 32)
