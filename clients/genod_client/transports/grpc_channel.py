"""What the blocking and the asyncio channel have in common."""

from __future__ import annotations

import json

import grpc

from genod_client.endpoint import Endpoint
from genod_client.version import __version__

CHANNEL_OPTIONS: tuple[tuple[str, int | str], ...] = (
    # No limits of our own (grpc's default for answers is 4 MB): the server decides what it takes.
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # Where the name stands for several servers, such as a headless service of Kubernetes, use all of them.
    ("grpc.service_config", json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})),
    # After a refused connection grpc answers UNAVAILABLE by itself, without trying, for 1 s, later for up to
    # 120 s. Shorter pauses, so that our own retries meet the server.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
    # Clients do not share connections, nor the pauses above.
    ("grpc.use_local_subchannel_pool", 1),
    # As over HTTP: a proxy of the environment is meant for the internet, not for a server one names.
    ("grpc.enable_http_proxy", 0),
    ("grpc.primary_user_agent", f"genod-client/{__version__}"),
)


def target(endpoint: Endpoint) -> str:
    """Return the endpoint in the notation of grpc."""
    return f"dns:///{endpoint.authority}"


def credentials(endpoint: Endpoint) -> grpc.ChannelCredentials | None:
    """Return what to trust; None without TLS.

    Raises:
        InvalidInputError: the endpoint's certificate file cannot be read.
    """
    if not endpoint.is_tls:
        return None
    return grpc.ssl_channel_credentials(root_certificates=endpoint.read_ca_certificate())


def metadata(endpoint: Endpoint) -> tuple[tuple[str, str], ...]:
    """Return what every call carries."""
    return tuple(endpoint.headers.items())
