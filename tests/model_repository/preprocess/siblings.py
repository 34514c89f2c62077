"""The files beside preprocess/1/model.py, imported as Triton imports them: by bare name."""

import importlib
import sys
from types import ModuleType

from tests.conftest import REPO_ROOT

MODEL_FOLDER = REPO_ROOT / "model_repository" / "preprocess"
VERSION_FOLDER = MODEL_FOLDER / "1"


def _import_siblings() -> dict[str, ModuleType]:
    # model.py is left out: it imports what exists only inside Triton's Python stub.
    names = [file.stem for file in VERSION_FOLDER.glob("*.py") if file.stem != "model"]
    # Bare names belong to nobody: another model's sibling may have the same, so ours leave no trace.
    others = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    dont_write_bytecode = sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # what tests leave behind is not what tritonserver should mount
    sys.path.insert(0, str(VERSION_FOLDER))
    try:
        return {name: importlib.import_module(name) for name in names}
    finally:
        sys.path.remove(str(VERSION_FOLDER))
        sys.dont_write_bytecode = dont_write_bytecode
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(others)


_SIBLINGS = _import_siblings()

decode = _SIBLINGS["decode"]
image_format = _SIBLINGS["image_format"]
image_limits = _SIBLINGS["image_limits"]
image_preprocessor = _SIBLINGS["image_preprocessor"]
image_refused = _SIBLINGS["image_refused"]
letterbox = _SIBLINGS["letterbox"]
request_batch = _SIBLINGS["request_batch"]
upright = _SIBLINGS["upright"]
