"""The 256 bits that find an object again."""

from __future__ import annotations

from dataclasses import dataclass

from genod_client.errors import EmbedderMismatchError, InvalidInputError

HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class VisualHash:
    """The hash of one object: the fewer bits two of them differ in, the more alike the objects look.

    Two versions of the embedder give one object unrelated hashes, so a hash carries its version: hashes of
    two versions are never equal, and asking for their distance is an error.

    Attributes:
        data: 32 bytes; bit 0 is the most significant bit of byte 0.
        embedder_version: id of the embedder's weights that made it.
    """

    data: bytes
    embedder_version: str

    def __post_init__(self) -> None:
        if not isinstance(self.data, bytes) or len(self.data) != HASH_BYTES:
            received = f"{len(self.data)} bytes" if isinstance(self.data, bytes) else type(self.data).__name__
            raise InvalidInputError(f"A hash is bytes of length {HASH_BYTES}, not {received}.")

    @classmethod
    def from_hex(cls, text: str, *, embedder_version: str) -> VisualHash:
        """Return the hash that `hex()` wrote.

        Raises:
            InvalidInputError: the text is not 64 hexadecimal digits.
        """
        try:
            return cls(bytes.fromhex(text), embedder_version)
        except (ValueError, TypeError) as error:
            raise InvalidInputError(
                f"A hash in hexadecimal form has {2 * HASH_BYTES} digits, which {text!r} has not."
            ) from error

    def hex(self) -> str:
        """Return 64 lower-case hexadecimal digits."""
        return self.data.hex()

    def hamming_distance(self, other: VisualHash) -> int:
        """Return in how many of the 256 bits the two differ.

        Raises:
            EmbedderMismatchError: they come from two versions of the embedder.
        """
        require_one_embedder(self.embedder_version, other.embedder_version)
        return (int.from_bytes(self.data) ^ int.from_bytes(other.data)).bit_count()

    def __bytes__(self) -> bytes:
        return self.data

    def __str__(self) -> str:
        """Return the hexadecimal form."""
        return self.hex()


def require_one_embedder(version: str, other: str) -> None:
    """Refuse to compare what two versions of the embedder made.

    Raises:
        EmbedderMismatchError: the versions differ.
    """
    if version != other:
        raise EmbedderMismatchError(
            f"Embedder {version!r} made the one and {other!r} the other: distances across versions mean nothing. "
            "Embed both photos with one release."
        )
