"""What can be chosen when Triton is started, each default once, and the command line that follows from it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from serving.errors import ModelRepositoryError, ServingError
from serving.installation import TritonInstallation
from serving.ports import ServerPorts
from serving.probes.triton_http import parse_restricted_key
from serving.restricted_apis import restriction_arguments

MEBIBYTE = 2**20


@dataclass(frozen=True)
class ServerOptions:
    """How to start one Triton server."""

    model_repository: str | Path
    """Folder that holds one sub-folder for each model."""

    host: str = "127.0.0.1"
    """Address to listen on; only this machine by default, 0.0.0.0 is every network interface."""

    http_port: int = 8000
    """Port of HTTP; 0 picks a free one."""

    grpc_port: int = 8001
    """Port of gRPC; 0 picks a free one."""

    metrics_port: int = 8002
    """Port of the Prometheus metrics; 0 picks a free one."""

    model_config_name: str | None = None
    """Target: `<model>/configs/<target>.pbtxt` replaces `config.pbtxt` where it exists."""

    response_cache_mib: int = 0
    """Size of the response cache for models that enable it, in MiB; 0 is no cache."""

    ready_timeout_s: float = 300.0
    """How long the models may take to load, in seconds."""

    exit_timeout_s: int = 10
    """How long a stop waits for requests in flight before it ends them with an error, in seconds."""

    log_file: str | Path | None = None
    """Where tritonserver's own log goes; a new file in the temporary folder by default."""

    log_verbose: int = 0
    """Verbosity of that log: 0 is normal, 1 and more tell about every request."""

    trace_file: str | Path | None = None
    """Where Triton may write timings of single requests; its API switches that on and off while it serves."""

    rollout: str | Path | None = None
    """Rollout folder of `python -m ensembles release activate`: serve its `models` under explicit model control."""

    supervise: bool = False
    """Restart tritonserver when one of its model processes dies; Triton itself never notices."""

    probe_interval_s: float = 0.0
    """With supervise: send a real inference through every ensemble this often, in seconds; 0 is never."""

    restricted_apis: tuple[str, ...] = ()
    """APIs that answer 403 without the key, such as `model-repository`; `serving.restricted_apis.APIS` has all."""

    restricted_key: str = field(default="", repr=False)
    """The key, `<name>=<value>`; also the launcher's own questions carry it."""

    def __post_init__(self) -> None:
        repository = Path(self.model_repository)
        if not repository.is_dir():
            raise ModelRepositoryError(
                f"there is no folder {repository}. Name an existing model repository with --model-repository."
            )
        if not any(repository.glob("*/config.pbtxt")):
            raise ModelRepositoryError(
                f"{repository} holds no model: expected at least one <model>/config.pbtxt."
                " Name a model repository with --model-repository."
            )
        restriction_arguments(self.restricted_apis, self.restricted_key)
        for name, value in (
            ("--response-cache-mib", self.response_cache_mib),
            ("--exit-timeout-s", self.exit_timeout_s),
            ("--probe-interval-s", self.probe_interval_s),
        ):
            if value < 0:
                raise ServingError(f"{name} must be 0 or more, got {value}")

    @property
    def restricted_header(self) -> dict[str, str]:
        """The HTTP header that opens restricted APIs; none where nothing is restricted."""
        return dict([parse_restricted_key(self.restricted_key)]) if self.restricted_apis else {}

    @property
    def model_names(self) -> list[str]:
        """Names of the models in the repository, sorted."""
        return sorted(config.parent.name for config in Path(self.model_repository).glob("*/config.pbtxt"))


def build_arguments(options: ServerOptions, installation: TritonInstallation, ports: ServerPorts) -> list[str]:
    """Write the command line of tritonserver, with the flags that production uses too.

    Args:
        options: What was chosen.
        installation: Where tritonserver and its backends lie.
        ports: Resolved ports, none of them 0.

    Returns:
        The program and its arguments.
    """
    arguments = [
        str(installation.executable),
        f"--model-repository={Path(options.model_repository).resolve()}",
        f"--backend-directory={installation.backend_directory}",
        f"--cache-directory={installation.cache_directory}",
        f"--http-address={options.host}",
        f"--http-port={ports.http}",
        f"--grpc-address={options.host}",
        f"--grpc-port={ports.grpc}",
        f"--metrics-address={options.host}",
        f"--metrics-port={ports.metrics}",
        *_model_control(options),
        # Auto-complete adds batching to ONNX models by itself; here the committed config is the truth.
        "--disable-auto-complete-config",
        "--strict-readiness=true",
        f"--exit-timeout-secs={options.exit_timeout_s}",
        f"--log-verbose={options.log_verbose}",
    ]
    if options.model_config_name:
        arguments.append(f"--model-config-name={options.model_config_name}")
    if options.trace_file:
        # Off until asked for: `python -m loadtest run --trace-slow` asks, for as long as it measures.
        arguments += ["--trace-config=mode=triton", f"--trace-config=triton,file={Path(options.trace_file).resolve()}"]
    if options.response_cache_mib:
        arguments.append(f"--cache-config=local,size={options.response_cache_mib * MEBIBYTE}")
    arguments += restriction_arguments(options.restricted_apis, options.restricted_key)
    return arguments


def _model_control(options: ServerOptions) -> list[str]:
    if options.rollout is None:
        # A repository that never changes underneath a running server is the safe default (explicit is best effort).
        return ["--model-control-mode=none"]
    # Read at every start: meanwhile another release may have become active. Models follow their ensembles.
    active = json.loads((Path(options.rollout) / "active.json").read_text(encoding="utf-8"))
    return ["--model-control-mode=explicit", *(f"--load-model={name}" for name in active["ensembles"])]
