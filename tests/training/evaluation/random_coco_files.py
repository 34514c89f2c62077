"""Small COCO files full of what goes wrong: crowds, equal scores, areas on the borders, classes without objects."""

import numpy as np

BORDER_SIDES = (31, 32, 33, 95, 96, 97)


def random_coco_files(seed, *, images=8, categories=4):
    """Return a ground truth and results whose ids start at 1; the last category has no objects."""
    generator = np.random.default_rng(seed)

    def box():
        sides = generator.choice(BORDER_SIDES, 2) if generator.random() < 0.5 else generator.integers(1, 60, 2)
        return [float(v) for v in (*generator.integers(0, 60, 2), *sides)]

    objects: list[dict] = []
    results: list[dict] = []
    for image_id in range(1, images + 1):
        for _ in range(generator.integers(0, 8)):
            x, y, w, h = box()
            objects.append(
                {
                    "id": len(objects) + 1,
                    "image_id": image_id,
                    "category_id": int(generator.integers(1, categories)),
                    "bbox": [x, y, w, h],
                    "area": w * h * float(generator.choice([1, 0.7])),
                    "iscrowd": int(generator.random() < 0.25),
                }
            )
        mine = [a for a in objects if a["image_id"] == image_id]
        for _ in range(generator.integers(0, 14)):
            near = mine[generator.integers(len(mine))] if mine and generator.random() < 0.7 else None
            shape = (
                np.array(near["bbox"]) + np.r_[generator.integers(-3, 4, 2), generator.integers(0, 6, 2)]
                if near
                else box()
            )
            results.append(
                {
                    "image_id": image_id,
                    "category_id": near["category_id"] if near else int(generator.integers(1, categories + 1)),
                    "bbox": [float(v) for v in shape],
                    "score": float(generator.integers(1, 6)) / 10,
                }
            )
    return {
        "images": [{"id": i, "width": 300, "height": 300} for i in range(1, images + 1)],
        "categories": [{"id": i, "name": f"class {i}"} for i in range(1, categories + 1)],
        "annotations": objects,
    }, results


def with_ids_from_zero(ground_truth, results):
    """Return the same files with every id one less."""

    def lower(record):
        return {**record, **{key: record[key] - 1 for key in ("id", "image_id", "category_id") if key in record}}

    lowered = {key: [lower(record) for record in records] for key, records in ground_truth.items()}
    return lowered, [lower(record) for record in results]
