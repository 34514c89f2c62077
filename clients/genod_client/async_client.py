"""The client for asyncio.

Typical use::

    from genod_client import AsyncGenODClient

    async with AsyncGenODClient("grpc://localhost:8001") as client:
        answers = await asyncio.gather(*(client.detect(photo) for photo in photos))
"""

from __future__ import annotations

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
from genod_client.transports.base import AsyncTransport
from genod_client.transports.opening import open_async_transport

if TYPE_CHECKING:
    from genod_client.boxes import BoxesInput
    from genod_client.embedding_results import Embeddings, VisualSearch
    from genod_client.images import ImageInput


class AsyncGenODClient(ClientBase[AsyncTransport]):
    """`GenODClient` for asyncio: the same arguments, results and errors, to be awaited.

    Many tasks may use one client at once, all of the event loop in which it was first called.
    """

    async def detect(self, image: ImageInput, *, timeout_s: float | None = None) -> Detections:
        """Detect the objects in one photo; see `GenODClient.detect`.

        Files are read, and PNGs made, in a thread, so that other tasks go on meanwhile.
        """
        deadline = self._deadline(timeout_s)
        return await self._run(self._core.detect(await _encoded(image), deadline))

    async def visual_search(self, image: ImageInput, *, timeout_s: float | None = None) -> VisualSearch:
        """Detect the objects in one photo, and embed the best ones; see `GenODClient.visual_search`."""
        deadline = self._deadline(timeout_s)
        return await self._run(self._core.visual_search(await _encoded(image), deadline))

    async def embed(self, image: ImageInput, boxes: BoxesInput, *, timeout_s: float | None = None) -> Embeddings:
        """Embed parts of one photo, wherever their boxes come from; see `GenODClient.embed`."""
        import asyncio  # not at the top: half of this package's import time, and who awaits has it loaded

        deadline = self._deadline(timeout_s)
        encoded, read_boxes = await asyncio.to_thread(encode_with_boxes, image, boxes)
        return await self._run(self._core.embed(encoded, read_boxes, deadline))

    async def taxonomy(self, *, timeout_s: float | None = None) -> Taxonomy:
        """Read the server's classes, anew at each call; see `GenODClient.taxonomy`."""
        return await self._run(self._core.read_taxonomy(self._deadline(timeout_s)))

    async def is_ready(self, *, timeout_s: float | None = None) -> bool:
        """Ask once whether the model may be called; see `GenODClient.is_ready`."""
        return await self._run(self._core.is_ready(self._deadline(timeout_s)))

    async def close(self) -> None:
        """Close all connections. Calling it again does nothing."""
        if (transport := self._take_transport_to_close()) is not None:
            await transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _open_transport(self, endpoint: Endpoint) -> AsyncTransport:
        return open_async_transport(endpoint)

    async def _run(self, flow: Flow[ResultT]) -> ResultT:
        """Carry out the effects of a flow, and return its result."""
        import asyncio

        try:
            effect = next(flow)
            while True:
                try:
                    if isinstance(effect, Pause):
                        await asyncio.sleep(effect.seconds)
                        reply = None
                    else:
                        reply = await self._opened_transport().send(effect.operation, effect.timeout_s)
                except GenODError as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(reply)
        except StopIteration as stop:
            result: ResultT = stop.value
            return result


async def _encoded(image: ImageInput) -> bytes:
    import asyncio  # see `embed`

    return image if isinstance(image, bytes) and image else await asyncio.to_thread(encode_image, image)
