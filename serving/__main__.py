"""The command that serves: ``python -m serving``, which is also ``make serve``."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path

from rich.console import Console
from rich.logging import RichHandler
from rich.markup import escape

from serving.errors import ServingError
from serving.options import ServerOptions
from serving.progress import StartupProgress
from serving.server import TritonServer

CHECKOUT = Path(__file__).parent.parent

# A release is a directory of models that go together; today there is the one in the checkout.
REPOSITORY_BY_RELEASE = {"demo": CHECKOUT / "model_repository"}
DEFAULT_RELEASE = "demo"
DEFAULT_LOG_FILE = CHECKOUT / "out" / "serving" / "tritonserver.log"
DEFAULT_PROBE_INTERVAL_S = 30.0


def build_parser() -> argparse.ArgumentParser:
    """Build the command line; every default comes from ``ServerOptions`` or a constant above."""
    defaults = ServerOptions
    parser = argparse.ArgumentParser(
        prog="python -m serving",
        description="Serve a model repository with NVIDIA Triton on this machine, until Ctrl-C.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--release",
        choices=sorted(REPOSITORY_BY_RELEASE),
        default=DEFAULT_RELEASE,
        help="models that go together",
    )
    source.add_argument("--model-repository", type=Path, metavar="DIR", help="serve this folder instead of a release")
    parser.add_argument("--host", default=defaults.host, help="address to listen on; 0.0.0.0 is every interface")
    parser.add_argument("--http-port", type=int, default=defaults.http_port, metavar="P", help="0 picks a free one")
    parser.add_argument("--grpc-port", type=int, default=defaults.grpc_port, metavar="P", help="0 picks a free one")
    parser.add_argument(
        "--metrics-port", type=int, default=defaults.metrics_port, metavar="P", help="0 picks a free one"
    )
    parser.add_argument(
        "--model-config-name", metavar="TARGET", help="use <model>/configs/TARGET.pbtxt where a model has it"
    )
    parser.add_argument(
        "--response-cache-mib",
        type=int,
        default=defaults.response_cache_mib,
        metavar="N",
        help="size of the response cache for models that enable it; 0 is none",
    )
    parser.add_argument(
        "--ready-timeout-s",
        type=float,
        default=defaults.ready_timeout_s,
        metavar="S",
        help="time for loading models",
    )
    parser.add_argument(
        "--exit-timeout-s",
        type=int,
        default=defaults.exit_timeout_s,
        metavar="S",
        help="time that a stop leaves to requests in flight; a second Ctrl-C does not wait",
    )
    parser.add_argument(
        "--probe-interval-s",
        type=float,
        default=DEFAULT_PROBE_INTERVAL_S,
        metavar="S",
        help="send a real inference through every ensemble this often, restart if nobody answers; 0 is never",
    )
    parser.add_argument("--log-file", type=Path, default=DEFAULT_LOG_FILE, metavar="F", help="tritonserver's own log")
    parser.add_argument(
        "--log-verbose", type=int, default=defaults.log_verbose, metavar="N", help="verbosity of that log"
    )
    return parser


def read_options(arguments: argparse.Namespace) -> ServerOptions:
    """Turn the parsed command line into options.

    Raises:
        ServingError: An option's value is not allowed.
    """
    return ServerOptions(
        model_repository=arguments.model_repository or REPOSITORY_BY_RELEASE[arguments.release],
        host=arguments.host,
        http_port=arguments.http_port,
        grpc_port=arguments.grpc_port,
        metrics_port=arguments.metrics_port,
        model_config_name=arguments.model_config_name,
        response_cache_mib=arguments.response_cache_mib,
        ready_timeout_s=arguments.ready_timeout_s,
        exit_timeout_s=arguments.exit_timeout_s,
        log_file=arguments.log_file,
        log_verbose=arguments.log_verbose,
        supervise=True,
        probe_interval_s=arguments.probe_interval_s,
    )


def serve(options: ServerOptions, console: Console) -> None:
    """Start a server, say where it is, and serve until something ends it.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM; the server has been stopped.
        ServingError: It did not start, or could not go on.
    """
    with StartupProgress(console, options.model_names) as progress:
        server = TritonServer(options, on_progress=progress.update)
        server.start()
    try:
        for line in (
            f"ready: http://{server.http_url}  grpc://{server.grpc_url}  metrics {server.metrics_url}",
            f"models: {', '.join(options.model_names)}",
            f"log: {server.log_path}",
            "Ctrl-C stops.",
        ):
            # One line stays one line, also in a narrow pipe: scripts read it.
            console.print(line, markup=False, soft_wrap=True)
        server.wait()
    finally:
        console.print("stopping (again Ctrl-C: at once)")
        server.stop()
        console.print("stopped")


def main() -> int:
    """Run the command line.

    Returns:
        Exit status: 0 after Ctrl-C or SIGTERM, 1 after an error.
    """
    console = Console(highlight=False)
    error_console = Console(stderr=True, highlight=False)
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=error_console, show_path=False)],
    )
    # SIGTERM, from a process manager or a container runtime, ends as Ctrl-C does. SIGINT is set too because shells
    # ignore it in what a script starts in the background.
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop_signal, signal.default_int_handler)
    try:
        serve(read_options(build_parser().parse_args()), console)
    except KeyboardInterrupt:
        return 0
    except ServingError as error:
        error_console.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
