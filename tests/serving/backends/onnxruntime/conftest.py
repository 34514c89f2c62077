"""Triton puts the backend's folder on the import path; so do these tests."""

import sys

from tests.conftest import REPO_ROOT

sys.path.append(str(REPO_ROOT / "serving" / "backends" / "onnxruntime"))
