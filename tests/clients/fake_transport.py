"""A server without a network: the transports that unit tests hand to the clients."""

import threading

from genod_client.errors import Status, error_from_status
from genod_client.operations import CheckReady, Infer, ListModels, ReadParameters
from tests.clients.answers import PARAMETERS_OF_MODEL, SCENE, TAXONOMY_JSON, reply_to


class FakeTransport:
    """Behaves as the toy model; `failures` are raised first, one per call, whatever is asked.

    Attributes:
        operations: what was asked, in order.
        timeouts_s: how long each was allowed to take.
        taxonomy_json: the parameter `taxonomy` of `detect`.
        parameters_of_model: the parameters of the others; a model that is not in it is not there.
    """

    def __init__(self, failures=(), taxonomy_json=TAXONOMY_JSON):
        self.failures = list(failures)
        self.taxonomy_json = taxonomy_json
        self.parameters_of_model = {name: dict(parameters) for name, parameters in PARAMETERS_OF_MODEL.items()}
        self.operations = []
        self.timeouts_s = []
        self.is_closed = False
        self._lock = threading.Lock()

    def send(self, operation, timeout_s):
        with self._lock:
            self.operations.append(operation)
            self.timeouts_s.append(timeout_s)
            if self.failures:
                raise self.failures.pop(0)
        match operation:
            case Infer():
                return self._infer(operation)
            case ReadParameters():
                if operation.model.name == "detect":
                    return {"taxonomy": self.taxonomy_json}
                return dict(self.parameters_of_model[operation.model.name])
            case ListModels():
                return tuple(sorted(self.parameters_of_model))
            case CheckReady():
                return operation.model.version in ("", "1")

    def close(self):
        self.is_closed = True

    def count(self, type_):
        return sum(isinstance(operation, type_) for operation in self.operations)

    def _infer(self, operation):
        name, version = operation.model.name, operation.model.version
        if name not in self.parameters_of_model:
            raise error_from_status(Status.NOT_FOUND, f"Request for unknown model: '{name}' is not found")
        if version not in ("", "1"):
            text = f"Request for unknown model: '{name}' version {version} is not found"
            raise error_from_status(Status.NOT_FOUND, text)
        command, _, argument = operation.image.decode("latin-1").partition(" ")
        if command == "refuse":
            text = f"image refused ({argument}): this is what the toy was told to say"
            raise error_from_status(Status.INVALID_ARGUMENT, text)
        if command == "fail":
            raise error_from_status(Status.INTERNAL, "the toy was told to fail")
        rows = SCENE if command != "nothing" else []
        if command == "class":
            rows = [(*row[:2], int(argument), False) for row in SCENE[:1]]
        return reply_to(operation, rows)


class AsyncFakeTransport(FakeTransport):
    """The same for asyncio."""

    async def send(self, operation, timeout_s):
        return super().send(operation, timeout_s)

    async def close(self):
        super().close()
