"""The cluster's DNS: names of headless Services lead to the addresses of their ready pods."""

import socket
import struct
import threading

TYPE_A = 1
NAME_ERROR = 3


class ClusterDns:
    """Answers on a free port of 127.0.0.1 during the `with` block; names may change their addresses at any time.

    Attributes:
        addresses: By complete name, the IPv4 addresses of its pods. A name without pods does not exist.
    """

    def __init__(self) -> None:
        self.addresses: dict[str, list[str]] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "ClusterDns":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # An empty datagram to oneself: closing a socket does not wake who reads from it.
        self._socket.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            query, sender = self._socket.recvfrom(4096)
            if not query:
                return
            self._socket.sendto(self._answer(query), sender)

    def _answer(self, query: bytes) -> bytes:
        labels = []
        offset = 12
        while query[offset]:
            length = query[offset]
            labels.append(query[offset + 1 : offset + 1 + length].decode())
            offset += 1 + length
        (question_type,) = struct.unpack_from(">H", query, offset + 1)
        question = query[12 : offset + 5]
        pods = self.addresses.get(".".join(labels).lower(), [])
        answers = pods if question_type == TYPE_A else []
        # 30 s, as many clusters answer: Envoy must ask again long before.
        records = b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", TYPE_A, 1, 30, 4) + socket.inet_aton(address) for address in answers
        )
        flags = 0x8180 | (0 if pods else NAME_ERROR)
        return query[:2] + struct.pack(">HHHHH", flags, 1, len(answers), 0, 0) + question + records
