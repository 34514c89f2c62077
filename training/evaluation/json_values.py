"""Metrics as plain values for JSON, which knows no NaN."""

import math
from typing import Any


def json_values(value: Any) -> Any:
    """Return the same with every NaN as None (`null`), in nested dictionaries too."""
    if isinstance(value, dict):
        return {key: json_values(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
