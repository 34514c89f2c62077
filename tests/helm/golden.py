"""What each values file renders to, committed, so that a review shows what a change does to the cluster.

python -m tests.helm.golden            # lists the files that differ; exit code 1 when there are any
python -m tests.helm.golden --write    # writes them again
"""

import argparse
import copy
import hashlib
import sys
from pathlib import Path

import yaml

from tests.helm.chart import Manifest, RenderedChart
from tests.helm.rendered_files import file_names, rendered

FOLDER = Path(__file__).parent / "golden"
# Pictures and dashboards have files of their own in the checkout: their hash is enough to see a change.
HASHED = (".jpg", ".json")


class _BlockDumper(yaml.SafeDumper):
    """Writes a text of several lines as lines, so that a review shows which of them changed."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # YAML has no such form for lines that end with spaces; where these matter, the object's own tests look.
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return dumper.represent_scalar("tag:yaml.org,2002:str", lines, style="|" if "\n" in lines else None)


_BlockDumper.add_representer(str, _represent_text)


def golden_path(file_name: str) -> Path:
    return FOLDER / file_name


def golden_text(chart: RenderedChart) -> str:
    """All objects with the template of each, in an order of their own."""
    parts = [
        f"# {template}\n{_as_yaml(_reviewable(manifest))}"
        for manifest, template in zip(chart.objects, chart.templates, strict=True)
    ]
    return "---\n" + "---\n".join(sorted(parts))


def _as_yaml(manifest: Manifest) -> str:
    return yaml.dump(manifest, Dumper=_BlockDumper, sort_keys=False, width=120, allow_unicode=True)


def _reviewable(manifest: Manifest) -> Manifest:
    manifest = copy.deepcopy(manifest)
    for part in ("data", "binaryData"):
        for name, text in (manifest.get(part) or {}).items():
            if manifest["kind"] == "Secret":
                manifest[part][name] = "(drawn anew for each rendering)"
            elif name.endswith(HASHED):
                manifest[part][name] = f"({len(text)} characters, sha256 {hashlib.sha256(text.encode()).hexdigest()})"
    return manifest


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare the chart with its golden renders, or write them.")
    parser.add_argument("--write", action="store_true", help="write what differs")
    arguments = parser.parse_args()
    expected = {golden_path(name): golden_text(rendered(name)) for name in file_names()}
    different = [path for path, text in expected.items() if not path.is_file() or path.read_text() != text]
    stale = [path for path in FOLDER.glob("*.yaml") if path not in expected]
    if arguments.write:
        FOLDER.mkdir(exist_ok=True)
        for path in different:
            path.write_text(expected[path])
        for path in stale:
            path.unlink()
    for path in different + stale:
        print(f"{'wrote' if arguments.write else 'differs:'} {path.name}")
    return 0 if arguments.write or not (different or stale) else 1


if __name__ == "__main__":
    sys.exit(main())
