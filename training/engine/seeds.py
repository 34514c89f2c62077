"""Seeds derived from what they are for, so that nothing random has a state to save."""

import hashlib


def derived_seed(*parts: int | str) -> int:
    """Return a seed in [0, 2**63) that depends on the parts alone, on every machine and in every process."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
