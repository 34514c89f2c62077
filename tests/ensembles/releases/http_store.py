"""A real HTTP server over a folder, that can know ranges or not, and die in the middle of an answer."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class HttpStore(ThreadingHTTPServer):
    """Serves files below `folder`.

    Attributes:
        knows_ranges: answers 206 to a range; else 200 with everything, as simple servers do.
        dies_after_bytes: close the connection in the middle of an answer once so many bytes of blobs went out.
        requests: (path, range header) of every request.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.knows_ranges = True
        self.dies_after_bytes: int | None = None
        self.requests: list[tuple[str, str | None]] = []
        self.blob_bytes = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def blob_requests(self) -> list[tuple[str, str | None]]:
        return [request for request in self.requests if "/blobs/" in request[0]]


class _Handler(BaseHTTPRequestHandler):
    server: HttpStore
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # header and body in one packet

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.requests.append((self.path, asked))
        path = self.server.folder / self.path.lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        data, status = path.read_bytes(), 200
        if asked and self.server.knows_ranges:
            match = re.fullmatch(r"bytes=(\d+)-(\d+)", asked)
            assert match, asked
            data, status = data[int(match[1]) : int(match[2]) + 1], 206
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        limit = self.server.dies_after_bytes
        if limit is not None and "/blobs/" in self.path and self.server.blob_bytes + len(data) > limit:
            self.wfile.write(data[: max(0, limit - self.server.blob_bytes)])
            self.server.blob_bytes = limit
            self.close_connection = True
            return
        if "/blobs/" in self.path:
            self.server.blob_bytes += len(data)
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serve_store(folder: Path) -> Iterator[HttpStore]:
    store = HttpStore(folder)
    thread = threading.Thread(target=store.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield store
    finally:
        store.shutdown()
        store.server_close()
        thread.join()
