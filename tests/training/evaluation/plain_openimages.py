"""OpenImages' rules once more, slowly: one image, one class, one box at a time, as the challenge's pages say them."""

import math


def overlap(a, b, *, over_union):
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    whole = a[2] * a[3] + b[2] * b[3] - shared if over_union else a[2] * a[3]
    return shared / whole if whole > 0 else 0.0


def ancestors_of(name, parents):
    above = set()
    for parent in parents.get(name, ()):
        above |= {parent} | ancestors_of(parent, parents)
    return above


def plain_openimages(ground_truth, results, *, parents, weight):
    """AP per category name; only of classes that have objects."""
    name_of = {c["id"]: c["name"] for c in ground_truth["categories"]}
    names = set(name_of.values())
    objects = [
        (a["image_id"], name, a["bbox"], bool(a.get("is_group_of")))
        for a in ground_truth["annotations"]
        for name in [name_of[a["category_id"]], *sorted(ancestors_of(name_of[a["category_id"]], parents) & names)]
    ]
    federated = any("verified_category_ids" in image for image in ground_truth["images"])
    judged = set()
    for image in ground_truth["images"]:
        boxed = {name for image_id, name, _, _ in objects if image_id == image["id"]}
        listed = {name_of[i] for i in image.get("verified_category_ids", [])}
        absent = {name for name in names if (ancestors_of(name, parents) | {name}) & (listed - boxed)}
        judged |= {(image["id"], name) for name in (boxed | listed | absent if federated else names)}

    result = {}
    for name in names:
        ordinary: dict = {image["id"]: [] for image in ground_truth["images"]}
        groups: dict = {image["id"]: [] for image in ground_truth["images"]}
        for image_id, label, box, is_group in objects:
            if label == name:
                (groups if is_group else ordinary)[image_id].append(box)
        to_find = sum(map(len, ordinary.values())) + weight * sum(map(len, groups.values()))
        if to_find == 0:
            continue
        entries = []  # score, value
        for image in ground_truth["images"]:
            i = image["id"]
            found: set = set()
            best_of_group: dict = {}
            mine = [r for r in results if r["image_id"] == i and name_of[r["category_id"]] == name]
            for r in sorted(mine, key=lambda r: -r["score"]):
                if (i, name) not in judged or r["bbox"][2] <= 0 or r["bbox"][3] <= 0:
                    continue
                ious = [overlap(r["bbox"], box, over_union=True) for box in ordinary[i]]
                best = max(range(len(ious)), key=lambda k: ious[k], default=None)
                if best is not None and ious[best] >= 0.5 and best not in found:
                    found.add(best)
                    entries.append((r["score"], 1.0))
                    continue
                covered = [overlap(r["bbox"], box, over_union=False) for box in groups[i]]
                best = max(range(len(covered)), key=lambda k: covered[k], default=None)
                if best is not None and covered[best] >= 0.5:
                    best_of_group[best] = max(best_of_group.get(best, -math.inf), r["score"])
                else:
                    entries.append((r["score"], 0.0))
            if weight > 0:
                entries += [(score, weight) for score in best_of_group.values()]
        result[name] = area_below(sorted(entries, key=lambda entry: -entry[0]), to_find)
    return result


def area_below(entries, to_find):
    points, true, false = [], 0.0, 0
    for _, value in entries:
        true, false = true + value, false + (value == 0)
        points.append((true / to_find, true / (true + false)))
    area, before = 0.0, 0.0
    for index, (recall, _) in enumerate(points):
        area += (recall - before) * max(precision for _, precision in points[index:])
        before = recall
    return area
