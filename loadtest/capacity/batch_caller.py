"""Calls an ensemble with several photos in one request, over either protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from genod_client.endpoint import parse_endpoint
from loadtest.capacity.errors import MeasurementError


class BatchCaller:
    """A plain client: the SDK sends one photo per request, and here the question is what a batch of them costs."""

    def __init__(self, url: str, model: str, *, timeout_s: float = 60.0) -> None:
        endpoint = parse_endpoint(url)
        if endpoint.is_grpc:
            import tritonclient.grpc as protocol

            self._client = protocol.InferenceServerClient(endpoint.authority, ssl=endpoint.is_tls)
            self._options: dict[str, Any] = {"client_timeout": timeout_s}
        else:
            import tritonclient.http as protocol

            self._client = protocol.InferenceServerClient(
                endpoint.authority + endpoint.path, network_timeout=timeout_s, ssl=endpoint.is_tls
            )
            self._options = {}
        self._protocol = protocol
        self._model = model

    def __call__(self, photos: Sequence[bytes]) -> None:
        """Send photos of one orientation as one request and wait for the answer.

        Raises:
            MeasurementError: The server answered an error.
        """
        tensor = self._protocol.InferInput("image", [len(photos), 1], "BYTES")
        tensor.set_data_from_numpy(np.array([[photo] for photo in photos], dtype=np.object_))
        try:
            self._client.infer(self._model, [tensor], **self._options)
        except Exception as error:  # each protocol of tritonclient lets errors of other libraries through
            raise MeasurementError(f"{self._model} answered a request of {len(photos)} photos with: {error}") from error

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
