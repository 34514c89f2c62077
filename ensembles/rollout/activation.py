"""From whatever a server serves to one release, so that no request notices."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from ensembles.errors import ActivationFailed
from ensembles.releases.manifest import Manifest
from ensembles.rollout.folder import ActiveRelease, RolloutFolder
from ensembles.rollout.served_names import is_served_name, served_names
from ensembles.rollout.triton_control import LoadRefused, TritonControl

_POLL_S = 0.05
_UNLOAD_TIMEOUT_S = 120.0

Tell = Callable[[str], None]


def activate(
    manifest: Manifest,
    folder: RolloutFolder,
    server: TritonControl | None,
    tell: Tell,
    *,
    drain_timeout_s: float = 60.0,
) -> None:
    """Make a fetched release the one that is served.

    Nothing that serves is touched before everything new is loaded and its ensembles were tried under names of their
    own. Then each ensemble is switched, which is one step for Triton, and what nobody needs any more goes once its last
    request is answered. Killed at any moment, the server serves the old release or the new one; run again, it finishes.

    Args:
        manifest: of a release that lies in `folder.releases`.
        folder: of the server, locked by the caller.
        server: the running server; None prepares the folder for a server that starts later.
        tell: told about each step.
        drain_timeout_s: how long requests to the old release may take.

    Raises:
        ActivationFailed: the new release does not load, with the server's reason. What was active serves on.
    """
    names = served_names(manifest)
    before = folder.active()
    wanted = _wanted(manifest, names)
    if server is None:
        _write_all(manifest, folder, names, wanted)
    else:
        server.states()  # before anything is written: is there a server at all, and may it be controlled?
        _load_beside(manifest, folder, server, names, tell)
        _switch(manifest, folder, server, names, tell)
    previous = before.previous if before is not None and before.release == manifest.number else None
    if before is not None and before.release != manifest.number:
        previous = before.release
    folder.note_active(ActiveRelease(release=manifest.number, previous=previous, ensembles=sorted(manifest.ensembles)))
    if server is not None:
        _retire(manifest, folder, server, wanted, tell, drain_timeout_s)


def _wanted(manifest: Manifest, names: dict[str, str]) -> set[str]:
    """The served names that a release needs: its models, and ensembles that are steps of others."""
    inner = {model for ensemble in manifest.ensembles.values() for model in ensemble.composing}
    return {names[name] for name in names if name in manifest.models or name in inner}


def _unneeded_by_active(folder: RolloutFolder, started: list[str]) -> list[str]:
    """After a failed load: what this run loaded, and what a killed run before it left."""
    active = folder.active()
    if active is None:
        return started[::-1]
    manifest = folder.fetched_manifest(active.release)
    if manifest is None:
        return started[::-1]
    wanted = _wanted(manifest, served_names(manifest))
    return [name for name in folder.names() if is_served_name(name) and name not in wanted]


def _write_all(manifest: Manifest, folder: RolloutFolder, names: dict[str, str], wanted: set[str]) -> None:
    for name in names:
        if names[name] in wanted:
            folder.add_model(manifest, name, names)
    for ensemble in manifest.ensembles:
        folder.write_ensemble(manifest, ensemble, names)
        folder.remove_other_versions(ensemble, manifest.number)
    for name in folder.names():
        if name not in wanted and name not in manifest.ensembles:
            folder.remove(name)


def _load_beside(
    manifest: Manifest, folder: RolloutFolder, server: TritonControl, names: dict[str, str], tell: Tell
) -> None:
    """Load every model of the release that is not there yet, and try its ensembles under names of their own.

    An ensemble that Triton refuses under its public name would lose the version that serves.
    """
    # Left by a killed run, and READY perhaps, although there is nothing of a release in them.
    _unload(folder, server, [name for name in folder.names() if folder.is_placeholder(name)], tell)
    started: list[str] = []
    for name in [*sorted(manifest.models), *_inner_first(manifest)]:
        served = names[name]
        folder.add_model(manifest, name, names)
        versions = manifest.models[name].versions if name in manifest.models else (manifest.number,)
        if all(server.is_ready(served, version) for version in versions):
            continue
        tell(f"loading {served}")
        started.append(served)
        try:
            server.load(served)
        except LoadRefused as refused:
            _unload(folder, server, _unneeded_by_active(folder, started), lambda line: None)
            raise ActivationFailed(
                f"release {manifest.number} does not load: {name}: {refused}. {_serving_on(folder)}"
            ) from refused


def _switch(
    manifest: Manifest, folder: RolloutFolder, server: TritonControl, names: dict[str, str], tell: Tell
) -> None:
    """Give the public names to the release's ensembles, one after the other."""
    switched: list[tuple[str, str | None]] = []
    for ensemble in sorted(manifest.ensembles):
        switched.append((ensemble, folder.write_ensemble(manifest, ensemble, names)))
        try:
            if not (switched[-1][1] == folder.ensemble_config(ensemble) and server.is_ready(ensemble, manifest.number)):
                server.load(ensemble)
            tell(f"{ensemble} is version {manifest.number}")
        except LoadRefused as refused:
            for name, config in reversed(switched):
                if config is None:
                    folder.remove(name)
                else:
                    folder.write_ensemble_config(name, config)
                    with suppress(LoadRefused):
                        server.load(name)
            raise ActivationFailed(
                f"release {manifest.number} does not load: {ensemble}: {refused}. {_serving_on(folder)}"
            ) from refused


def _retire(
    manifest: Manifest,
    folder: RolloutFolder,
    server: TritonControl,
    wanted: set[str],
    tell: Tell,
    drain_timeout_s: float,
) -> None:
    """Unload and remove what the release does not need, once nobody is being served by it."""
    gone = [name for name in folder.public_names() if name not in manifest.ensembles]
    for ensemble in gone:
        server.unload(ensemble)
    if not _wait(lambda: _is_drained(server, folder, manifest), drain_timeout_s):
        tell("requests to the old release still run; it stays loaded until the next activation")
        return
    unneeded = [name for name in folder.names() if is_served_name(name) and name not in wanted]
    _unload(folder, server, [*gone, *_ensembles_first(unneeded, manifest)], tell)
    for ensemble in manifest.ensembles:
        folder.remove_other_versions(ensemble, manifest.number)


def _unload(folder: RolloutFolder, server: TritonControl, names: list[str], tell: Tell) -> None:
    """Take models off the server, wait until they are gone, and remove their folders."""
    states = server.states()
    for name in names:
        failed = [version for version, state in states.get(name, {}).items() if state.is_failed]
        if failed:
            _heal(folder, server, name, failed)
        if failed or any(state.state in {"READY", "LOADING"} for state in states.get(name, {}).values()):
            tell(f"unloading {name}")
            server.unload(name)
    _wait(
        lambda: (
            not any(
                state.state == "UNLOADING"
                for name, versions in server.states().items()
                if name in names
                for state in versions.values()
            )
        ),
        _UNLOAD_TIMEOUT_S,
    )
    for name in names:
        folder.remove(name)


def _heal(folder: RolloutFolder, server: TritonControl, name: str, failed: list[int]) -> None:
    """Load something under the name and versions that failed.

    Until then /v2/health/ready stays false, even when the model has been unloaded and its folder removed.
    """
    live = next((text for public in folder.public_names() if (text := folder.ensemble_config(public))), None)
    if live is not None:
        folder.make_placeholder(name, failed, live)
        with suppress(LoadRefused):
            server.load(name)


def _is_drained(server: TritonControl, folder: RolloutFolder, manifest: Manifest) -> bool:
    """Whether no other version of a public ensemble has requests in flight."""
    states = server.states()
    return not any(
        state.state in {"READY", "UNLOADING"}
        for name in folder.public_names()
        for version, state in states.get(name, {}).items()
        if name not in manifest.ensembles or version != manifest.number
    )


def _wait(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _inner_first(manifest: Manifest) -> list[str]:
    """The ensembles, each after those that are steps of it."""
    ordered: list[str] = []

    def add(name: str) -> None:
        for inner in sorted(manifest.ensembles[name].composing.keys() & manifest.ensembles.keys()):
            add(inner)
        if name not in ordered:
            ordered.append(name)

    for name in sorted(manifest.ensembles):
        add(name)
    return ordered


def _ensembles_first(names: list[str], manifest: Manifest) -> list[str]:
    """Trial ensembles before the models that they use."""
    return sorted(names, key=lambda name: (name.rpartition(".")[0] not in manifest.ensembles, name))


def _serving_on(folder: RolloutFolder) -> str:
    active = folder.active()
    return "Nothing was active before." if active is None else f"Release {active.release} serves on, untouched."
