import subprocess
import sys

import pytest

from loadtest import cli
from loadtest.errors import LoadTestError, UsageError


@pytest.mark.parametrize("argv", [[], ["fly"], ["run"], ["run", "--nonsense"], ["--nonsense"]])
def test_bad_usage_exits_with_64_and_not_with_a_verdict(argv, capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(argv)
    assert exit_.value.code == 64
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError("no"), 64), (LoadTestError("no"), 70), (KeyboardInterrupt(), 130), (ZeroDivisionError(), 70)],
)
def test_no_error_can_be_mistaken_for_a_verdict(monkeypatch, capsys, error, code):
    class Module:
        @staticmethod
        def add_parser(subparsers):
            subparsers.add_parser("run")

        @staticmethod
        def execute(arguments):
            raise error

    monkeypatch.setattr(cli, "import_module", lambda name: Module)
    assert cli.main(["run"]) == code
    assert capsys.readouterr().err


def test_the_command_line_imports_only_what_its_subcommand_needs():
    code = (
        "import sys, loadtest.cli; print({'numpy', 'scipy', 'rich', 'grpc', 'matplotlib', 'locust'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
