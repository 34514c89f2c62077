"""What changes from one release to another, for people who decide about a rollout."""

from __future__ import annotations

from collections.abc import Iterator

from ensembles.releases.manifest import Manifest, ReleasedFile, ReleasedModel


def describe_difference(before: Manifest, after: Manifest) -> list[str]:
    """Lines for a terminal, most important first; only `nothing ...` where both serve the same."""
    lines = [
        *_changed_ensembles(before, after),
        *_changed_models(before, after),
        *_changed_targets(before, after),
    ]
    if not lines:
        return ["nothing that is served differs"]
    grown = after.size_bytes - before.size_bytes
    new_bytes = sum(size for sha256, size in after.blobs().items() if sha256 not in before.blobs())
    lines.append(
        f"size: {megabytes(after.size_bytes)} ({megabytes(grown, signed=True)}), to fetch: {megabytes(new_bytes)}"
    )
    return lines


def _changed_ensembles(before: Manifest, after: Manifest) -> Iterator[str]:
    for name in sorted(before.ensembles.keys() | after.ensembles.keys()):
        old, new = before.ensembles.get(name), after.ensembles.get(name)
        if new is None:
            yield f"- ensemble {name}"
            continue
        if old is None:
            yield f"+ ensemble {name}: {_listed(new.composing)}"
            continue
        changes = []
        for model in sorted(old.composing.keys() | new.composing.keys()):
            was, now = old.composing.get(model), new.composing.get(model)
            if was != now:
                changes.append(f"{model} {was or 'none'} -> {now or 'none'}")
        for head in sorted(old.taken_over.keys() | new.taken_over.keys()):
            dropped, kept = ({*some.taken_over.get(head, ())} for some in (new, old))
            if dropped != kept:
                changes.append(f"{head} answers no more for {_ids(dropped - kept) or 'fewer'}")
        if old.taxonomy_sha256 != new.taxonomy_sha256:
            changes.append("taxonomy")
        if changes:
            yield f"~ ensemble {name} {old.version} -> {new.version}: {', '.join(changes)}"


def _changed_models(before: Manifest, after: Manifest) -> Iterator[str]:
    for name in sorted(before.models.keys() | after.models.keys()):
        old, new = before.models.get(name), after.models.get(name)
        if new is None:
            yield f"- model {name}"
        elif old is None:
            size = sum(file.size_bytes for file in new.files)
            yield f"+ model {name} {_versions(new)}: {megabytes(size)}{_classes(None, new)}"
        else:
            details = list(_model_details(name, old, new))
            if details:
                yield f"~ model {name}: {'; '.join(details)}"


def _model_details(name: str, old: ReleasedModel, new: ReleasedModel) -> Iterator[str]:
    if old.versions != new.versions:
        yield f"version {_versions(old)} -> {_versions(new)}"
        sizes = [sum(file.size_bytes for file in model.files) for model in (old, new)]
        yield f"{megabytes(sizes[0])} -> {megabytes(sizes[1])}"
    classes = _classes(old, new).removeprefix(", ")
    if classes:
        yield classes
    configs = _changed_configs(_configs(old), _configs(new))
    if configs:
        yield f"configs: {', '.join(configs)}"
    for version in sorted({*old.versions} & {*new.versions}):
        if old.files_of_version(name, version) != new.files_of_version(name, version):
            yield f"VERSION {version} HAS OTHER FILES UNDER THE SAME NUMBER"


def _changed_targets(before: Manifest, after: Manifest) -> Iterator[str]:
    if before.targets != after.targets:
        was, now = (", ".join(manifest.targets) or "default only" for manifest in (before, after))
        yield f"~ targets: {was} -> {now}"


def _configs(model: ReleasedModel) -> dict[str, ReleasedFile]:
    return {file.path.split("/", 1)[1]: file for file in model.files if file.path.endswith(".pbtxt")}


def _changed_configs(old: dict[str, ReleasedFile], new: dict[str, ReleasedFile]) -> list[str]:
    marks = {(True, False): "-", (False, True): "+", (True, True): "~"}
    return [
        marks[path in old, path in new] + path
        for path in sorted(old.keys() | new.keys())
        if path not in old or path not in new or old[path].sha256 != new[path].sha256
    ]


def _classes(old: ReleasedModel | None, new: ReleasedModel) -> str:
    was = {value for ids in old.class_ids.values() for value in ids} if old is not None else set()
    now = {value for ids in new.class_ids.values() for value in ids}
    parts = [f"+ids {_ids(now - was)}"] if now - was else []
    parts += [f"-ids {_ids(was - now)}"] if was - now else []
    return f", classes: {len(now)} ({', '.join(parts)})" if parts else ""


def _ids(ids: set[int]) -> str:
    shown = [str(value) for value in sorted(ids)[:12]]
    return " ".join(shown) + (f" and {len(ids) - 12} more" if len(ids) > 12 else "")


def _versions(model: ReleasedModel) -> str:
    return "+".join(map(str, model.versions))


def _listed(composing: object) -> str:
    assert isinstance(composing, dict)
    return ", ".join(f"{model} {version}" for model, version in sorted(composing.items()))


def megabytes(size_bytes: int, *, signed: bool = False) -> str:
    """`12.3 MB`, with `signed` also `+1.2 MB`."""
    return f"{size_bytes / 1e6:{'+' if signed else ''}.1f} MB"
