"""``python -m loadtest.fake_server --service-ms 2``: a server whose latencies can be worked out on paper."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import sys
from typing import get_type_hints

from loadtest.cli import EXIT_USAGE, Parser
from loadtest.errors import LoadTestError
from loadtest.fake_server.options import FakeServerOptions
from loadtest.fake_server.serve import serve

DEFAULT_PORTS = {"http_port": 8000}


def _help_by_field() -> dict[str, str]:
    """Return the docstring under each field."""
    (class_,) = ast.parse(inspect.getsource(FakeServerOptions)).body
    assert isinstance(class_, ast.ClassDef)
    return {
        field.target.id: str(text.value.value)
        for field, text in zip(class_.body, class_.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }


def main() -> int:
    """Serve until Ctrl-C."""
    parser = Parser(
        prog="python -m loadtest.fake_server",
        description="Answer detect requests after known times, like M/D/1: one server, one queue, constant service.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    hints, help_ = get_type_hints(FakeServerOptions), _help_by_field()
    for field in dataclasses.fields(FakeServerOptions):
        hint = hints[field.name]
        type_ = hint if isinstance(hint, type) else next(t for t in hint.__args__ if t is not type(None))
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=type_,
            default=DEFAULT_PORTS.get(field.name, field.default),
            help=help_[field.name],
        )

    def announce(urls: list[str]) -> None:
        print("fake server at", *urls, flush=True)

    try:
        serve(FakeServerOptions(**vars(parser.parse_args())), announce)
    except (LoadTestError, OSError, RuntimeError) as error:  # grpc raises RuntimeError for a port in use
        print(f"python -m loadtest.fake_server: error: {error}", file=sys.stderr)
        return EXIT_USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main())
