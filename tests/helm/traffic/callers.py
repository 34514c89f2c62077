"""Callers of Envoy that call without pause over HTTP and gRPC, and what became of each call."""

import http.client
import json
import time
from dataclasses import dataclass

import tritonclient.grpc as triton_grpc
from tritonclient.utils import InferenceServerException

from tests.background_threads import BackgroundThreads
from tests.serving.calls import column

INFER_PATH = "/v2/models/detect/infer"


@dataclass(frozen=True)
class Outcome:
    """How one call ended."""

    protocol: str
    started_s: float
    ended_s: float
    server: int | None
    error: str | None


class HttpCaller:
    """One HTTP connection that is kept."""

    def __init__(
        self, url: str, *, timeout_s: float = 30, headers: dict[str, str] | None = None, ballast: str = ""
    ) -> None:
        host, _, port = url.partition(":")
        self._connection = http.client.HTTPConnection(host, int(port), timeout=timeout_s)
        self._headers = headers or {}
        inputs = [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [3]}]
        if ballast:
            inputs.append({"name": "ballast", "shape": [1, 1], "datatype": "BYTES", "data": [ballast]})
        self._body = json.dumps({"inputs": inputs})

    def infer(self) -> int:
        """The number of the server that answered; RuntimeError with status and body otherwise."""
        status, _, body = self.request("POST", INFER_PATH, self._body)
        if status != 200:
            raise RuntimeError(f"{status} {body}")
        outputs = {output["name"]: output["data"] for output in json.loads(body)["outputs"]}
        assert outputs["y"] == [6], outputs
        return int(outputs["server"][0])

    def request(self, method: str, path: str, body: str | None = None) -> tuple[int, dict[str, str], str]:
        try:
            self._connection.request(method, path, body, self._headers)
            answer = self._connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text

    def close(self) -> None:
        self._connection.close()


class GrpcCaller:
    """One gRPC channel that is kept."""

    def __init__(self, url: str, *, timeout_s: float = 30, headers: dict[str, str] | None = None, **settings) -> None:
        # Own connection: channels to one address share theirs otherwise.
        arguments = [("grpc.use_local_subchannel_pool", 1)]
        self._client = triton_grpc.InferenceServerClient(url, channel_args=arguments, **settings)
        self._timeout_s = timeout_s
        self._headers = headers or {}
        self._input = triton_grpc.InferInput("x", [1, 1], "FP32")
        self._input.set_data_from_numpy(column(3))

    def infer(self) -> int:
        """The number of the server that answered; InferenceServerException otherwise."""
        answer = self._client.infer("detect", [self._input], client_timeout=self._timeout_s, headers=self._headers)
        assert answer.as_numpy("y").tolist() == [[6]]
        return int(answer.as_numpy("server")[0, 0])

    def close(self) -> None:
        self._client.close()


class Callers(BackgroundThreads):
    """Call by turns during the `with` block, each caller by one protocol and on a connection of its own."""

    def __init__(
        self,
        http_url: str,
        grpc_url: str,
        *,
        count: int,
        pause_s: float = 0,
        protocols: tuple[str, ...] = ("http", "grpc"),
        **settings,
    ) -> None:
        """Prepare callers.

        Args:
            http_url: `host:port` of HTTP.
            grpc_url: `host:port` of gRPC.
            count: How many callers.
            pause_s: Seconds between two calls of one caller.
            protocols: What they speak, in turn.
            **settings: Of HttpCaller and GrpcCaller.
        """
        super().__init__()
        self.outcomes: list[Outcome] = []
        self._pause_s = pause_s
        for number in range(count):
            protocol = protocols[number % len(protocols)]
            caller = GrpcCaller(grpc_url, **settings) if protocol == "grpc" else HttpCaller(http_url, **settings)
            self.add(self._run, protocol, caller)

    @property
    def errors(self) -> list[str]:
        return [f"{outcome.protocol}: {outcome.error}" for outcome in list(self.outcomes) if outcome.error]

    def servers_since(self, started_s: float) -> list[int]:
        """Who answered the calls that began after a moment."""
        return [
            outcome.server
            for outcome in list(self.outcomes)
            if outcome.started_s >= started_s and outcome.server is not None
        ]

    def _run(self, protocol: str, caller: HttpCaller | GrpcCaller) -> None:
        while not self._over.is_set():
            started_s = time.monotonic()
            server, error = None, None
            try:
                server = caller.infer()
            except (InferenceServerException, RuntimeError, OSError, http.client.HTTPException) as failure:
                error = str(failure) or repr(failure)
                time.sleep(0.02)
            self.outcomes.append(Outcome(protocol, started_s, time.monotonic(), server, error))
            time.sleep(self._pause_s)
        caller.close()
