"""Servers on 127.0.0.1 that do what a good server never does: stall, drip, reset, refuse, then recover."""

import contextlib
import json
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

from tests.clients.answers import PARAMETERS_OF_MODEL, boxes_in, embed_reply, infer_reply, visual_search_reply


class ServerUnderTest:
    """Where a server listens, and how many requests (or connections, if it never reads any) it has had."""

    def __init__(self, port):
        self.port = port
        self.requests = 0
        self.is_stopping = threading.Event()

    @property
    def http_url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def grpc_url(self):
        return f"grpc://127.0.0.1:{self.port}"


@contextlib.contextmanager
def socket_server(handle):
    """Run `handle(connection, server)` in a thread per connection; when it returns, the connection closes."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = ServerUnderTest(listener.getsockname()[1])
    connections, threads = [], []

    def serve(connection):
        # The client may hang up at any moment, and this server at its end: both are meant.
        with contextlib.suppress(OSError), connection:
            handle(connection, server)

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield server
    finally:
        server.is_stopping.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(5)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(5)


def read_http_request(connection):
    """Return the head and the body of one request; an empty head when the client has closed."""
    received = b""
    while b"\r\n\r\n" not in received:
        if not (piece := connection.recv(65536)):
            return b"", b""
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")),
        0,
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head, body


def http_response(status, body=b"", headers=()):
    lines = [f"HTTP/1.1 {status} whatever", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def http_infer_response(reply=None):
    """A reply in the binary tensor extension, put together by hand."""
    reply = reply or infer_reply()
    outputs = [
        {
            "name": name,
            "datatype": tensor.datatype,
            "shape": list(tensor.shape),
            "parameters": {"binary_data_size": len(tensor.data)},
        }
        for name, tensor in reply.tensors.items()
    ]
    header = json.dumps({"model_name": "detect", "model_version": "1", "outputs": outputs}).encode()
    body = header + b"".join(tensor.data for tensor in reply.tensors.values())
    return http_response(200, body, [f"Inference-Header-Content-Length: {len(header)}"])


def http_config_response(model="detect"):
    parameters = {name: {"string_value": text} for name, text in PARAMETERS_OF_MODEL[model].items()}
    return http_response(200, json.dumps({"name": model, "parameters": parameters}).encode())


def good_http_response(head, body=b""):
    model = head.split(b" ")[1].split(b"/")[3].decode()
    if b"/config" in head:
        return http_config_response(model)
    if model == "visual_search":
        return http_infer_response(visual_search_reply())
    if model == "embed":
        (length,) = (line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"inference-h"))
        (boxes,) = (tensor for tensor in json.loads(body[: int(length)])["inputs"] if tensor["name"] == "boxes")
        return http_infer_response(embed_reply(boxes_in(body[-boxes["parameters"]["binary_data_size"] :])))
    return http_infer_response()


def stall(connection, server):
    """Read whatever comes, answer nothing. Fits both protocols."""
    server.requests += 1
    while connection.recv(65536):
        pass


def never_read(connection, server):
    """Neither read nor answer: once its buffers are full, the client cannot even send its photo."""
    server.requests += 1
    server.is_stopping.wait(30)


def reset(connection, server):
    """Take the first bytes, then hang up with a TCP reset. Fits both protocols."""
    connection.recv(65536)
    server.requests += 1
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def drip(connection, server):
    """A response that is never complete, one byte every 20 ms: each socket operation is in time."""
    read_http_request(connection)
    server.requests += 1
    for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1000:
        connection.sendall(bytes([byte]))
        time.sleep(0.02)


def drip_body(connection, server):
    """The same after complete headers."""
    read_http_request(connection)
    server.requests += 1
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b"x")
        time.sleep(0.02)


def first_then_good(*responses):
    """An HTTP server that gives these responses first (b"" hangs up), then good ones, keeping connections."""
    remaining = list(responses)

    def handle(connection, server):
        while True:
            head, body = read_http_request(connection)
            if not head:
                return
            server.requests += 1
            response = remaining.pop(0) if remaining else good_http_response(head, body)
            if not response:
                return
            connection.sendall(response)

    return handle


class GrpcServicer(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]
    """Gives these (code, text) first, then good replies."""

    def __init__(self, failures):
        self.failures = list(failures)
        self.metadata = []
        self.requests = 0

    def ModelInfer(self, request, context):
        self._record(context)
        reply = self._reply(request)
        output = service_pb2.ModelInferResponse.InferOutputTensor
        return service_pb2.ModelInferResponse(
            model_name=request.model_name,
            model_version="1",
            outputs=[
                output(name=name, datatype=tensor.datatype, shape=tensor.shape)
                for name, tensor in reply.tensors.items()
            ],
            raw_output_contents=[tensor.data for tensor in reply.tensors.values()],
        )

    def ModelConfig(self, request, context):
        self._record(context)
        response = service_pb2.ModelConfigResponse()
        for name, text in PARAMETERS_OF_MODEL[request.name].items():
            response.config.parameters[name].string_value = text
        return response

    def _reply(self, request):
        if request.model_name == "visual_search":
            return visual_search_reply()
        if request.model_name == "embed":
            return embed_reply(boxes_in(request.raw_input_contents[1]))
        return infer_reply()

    def _record(self, context):
        self.requests += 1
        self.metadata.append(dict(context.invocation_metadata()))
        if self.failures:
            context.abort(*self.failures.pop(0))


@contextlib.contextmanager
def grpc_server(*failures, port=0):
    """A real gRPC server with the replies of the toy; yields its url and its servicer."""
    servicer = GrpcServicer(failures)
    server = grpc.server(
        ThreadPoolExecutor(8), options=[("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)]
    )
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield f"grpc://127.0.0.1:{port}", servicer
    finally:
        server.stop(grace=None).wait()


def free_port():
    """A port that nobody listens on, for the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
