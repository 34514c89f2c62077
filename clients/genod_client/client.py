"""The client for threads.

Typical use::

    from genod_client import GenODClient

    with GenODClient("grpc://localhost:8001") as client:
        for found in client.detect("desk.jpg").objects(min_score=0.5):
            print(found, found.box)
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from genod_client.client_base import ClientBase
from genod_client.core import Flow, Pause, ResultT
from genod_client.embedding_request import encode_with_boxes
from genod_client.endpoint import Endpoint
from genod_client.errors import GenODError
from genod_client.images import encode_image
from genod_client.results import Detections
from genod_client.taxonomy import Taxonomy
from genod_client.transports.base import Transport
from genod_client.transports.opening import open_transport

if TYPE_CHECKING:
    from genod_client.boxes import BoxesInput
    from genod_client.embedding_results import Embeddings, VisualSearch
    from genod_client.images import ImageInput


class GenODClient(ClientBase[Transport]):
    """Detects objects through a GenOD server, over gRPC or HTTP.

    One client may be used by many threads at once, and should be: they share its connections and the
    taxonomy. Close it when no call is running any more. After a fork, make a new one in the child.
    """

    def detect(self, image: ImageInput, *, timeout_s: float | None = None) -> Detections:
        """Detect the objects in one photo.

        Args:
            image: a path; the bytes of an image file; a file object opened for reading bytes; a PIL image; or
                a uint8 array of shape (H, W), (H, W, 3) RGB or (H, W, 4) RGBA. Prefer the original file,
                untouched: arrays and PIL images are sent as PNG, which loses nothing but is larger than a
                JPEG and takes time to make.
            timeout_s: seconds that this call may take in all, retries included; None for the client's own.

        Returns:
            The detections, by descending score, with boxes in pixels of the upright photo.

        Raises:
            InvalidInputError: the image is nothing that can be sent.
            ImageRefusedError: the server refuses it; `.reason` says why.
            DeadlineExceededError: `timeout_s` is over.
            ServerOverloadedError: the server's queues were full at every attempt.
            UnavailableError: no server could be reached, or it was not ready, at every attempt.
            ServerError: the server failed otherwise.
            UnexpectedResponseError: the server is not a GenOD server, or an incompatible one.
            ClientClosedError: the client was closed.
        """
        deadline = self._deadline(timeout_s)
        return self._run(self._core.detect(encode_image(image), deadline))

    def visual_search(self, image: ImageInput, *, timeout_s: float | None = None) -> VisualSearch:
        """Detect the objects in one photo, and embed the best ones.

        Args:
            image: as for `detect`.
            timeout_s: as for `detect`.

        Returns:
            What `detect` returns, and the 16 best objects, each with a hash of 256 bits and an embedding:
            objects that look alike have hashes that differ in few bits.

        Raises:
            EnsembleMissingError: the server's release has no embedder; `.available` is what it has.
            GenODError: as `detect`.
        """
        deadline = self._deadline(timeout_s)
        return self._run(self._core.visual_search(encode_image(image), deadline))

    def embed(self, image: ImageInput, boxes: BoxesInput, *, timeout_s: float | None = None) -> Embeddings:
        """Embed parts of one photo, wherever their boxes come from.

        Args:
            image: as for `detect`.
            boxes: one or more, in pixels of the upright photo; each a `Box`, four numbers x1, y1, x2, y2, or
                something that has a box, such as an object of `detect`; or an array of shape (N, 4). Rounded
                to float32.
            timeout_s: as for `detect`.

        Returns:
            Hash, embedding and attributes of each box, in the order of the boxes.

        Raises:
            InvalidInputError: there are no boxes, or one is not finite, has no area or reaches outside the
                photo; the message has its row.
            EnsembleMissingError: the server's release has no embedder; `.available` is what it has.
            GenODError: as `detect`.
        """
        deadline = self._deadline(timeout_s)
        return self._run(self._core.embed(*encode_with_boxes(image, boxes), deadline))

    def taxonomy(self, *, timeout_s: float | None = None) -> Taxonomy:
        """Read the server's classes, anew at each call.

        Raises:
            GenODError: as `detect`, without the errors about images.
        """
        return self._run(self._core.read_taxonomy(self._deadline(timeout_s)))

    def is_ready(self, *, timeout_s: float | None = None) -> bool:
        """Ask once whether the model of `detect` may be called; False also where no server answers in time.

        A model whose process died may still say True: only `detect` tells for certain.

        Raises:
            ServerError: the server does not tell, e.g. because access is restricted.
            ClientClosedError: the client was closed.
        """
        return self._run(self._core.is_ready(self._deadline(timeout_s)))

    def close(self) -> None:
        """Close all connections. Calling it again does nothing."""
        if (transport := self._take_transport_to_close()) is not None:
            transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _open_transport(self, endpoint: Endpoint) -> Transport:
        return open_transport(endpoint)

    def _run(self, flow: Flow[ResultT]) -> ResultT:
        """Carry out the effects of a flow, and return its result."""
        try:
            effect = next(flow)
            while True:
                try:
                    if isinstance(effect, Pause):
                        time.sleep(effect.seconds)
                        reply = None
                    else:
                        reply = self._opened_transport().send(effect.operation, effect.timeout_s)
                except GenODError as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(reply)
        except StopIteration as stop:
            result: ResultT = stop.value
            return result
