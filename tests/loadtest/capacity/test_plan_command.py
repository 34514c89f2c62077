import json

import pytest

from loadtest.cli import main
from tests.loadtest.capacity.profiles import detect_like


@pytest.fixture
def profile(tmp_path):
    path = tmp_path / "profile.json"
    detect_like(cv=0.2).save(path)
    return str(path)


def plan(profile, *options, qps="60", sla="p99=200ms"):
    return main(["plan", "--qps", qps, "--sla", sla, "--from", profile, "--no-advice", *options])


def test_a_plan_that_holds_exits_with_0_and_says_how_many(profile, capsys):
    assert plan(profile) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("FEASIBLE: ")
    assert "replicas (all " in last
    assert "hold p99<=200ms at 60/s" in last


def test_an_sla_below_the_unloaded_latency_exits_with_1_and_says_so(profile, capsys):
    assert plan(profile, sla="p99=20ms") == 1
    assert "NOT FEASIBLE: no number of replicas" in capsys.readouterr().out.splitlines()[-1]


def test_too_few_allowed_replicas_exit_with_1(profile, capsys):
    assert plan(profile, "--max-replicas", "1", qps="300") == 1
    assert "--max-replicas" in capsys.readouterr().out.splitlines()[-1]


def test_json_is_all_that_is_printed_and_adds_up(profile, capsys):
    code = plan(profile, "--json", "--regions", "eu=0.5,us=0.3,asia=0.2", "--survive-region-loss", qps="200")
    document = json.loads(capsys.readouterr().out)
    assert code == 0
    assert document["is_feasible"] is True
    assert document["replicas"] == sum(region["replicas"] for region in document["regions"])
    assert {region["name"]: region["lost_region"] for region in document["regions"]} == {
        "eu": "us",
        "us": "eu",
        "asia": "eu",
    }
    assert document["curve"] == sorted(document["curve"], key=lambda step: step["rate_per_s"])


def test_a_report_holds_the_json_and_a_page_with_the_curve(profile, tmp_path):
    plan(profile, "--report", str(tmp_path / "report"))
    assert json.loads((tmp_path / "report/plan.json").read_text())["format"] == "genod capacity plan"
    page = (tmp_path / "report/plan.html").read_text()
    assert "<svg" in page
    assert "FEASIBLE" in page
    assert "http" not in page.replace("http-equiv", ""), "self-contained: nothing to fetch"


def test_advice_is_part_of_a_plan_unless_it_is_declined(profile, capsys):
    assert main(["plan", "--qps", "20", "--sla", "p99=200ms", "--from", profile]) == 0
    assert "would help: cpu: 2 -> 4" in capsys.readouterr().out


def test_an_edited_profile_is_planned_with_and_kept(profile, tmp_path, capsys):
    kept = tmp_path / "kept.json"
    assert plan(profile, "--set", "cpu.capacity=4", "--save", str(kept)) == 0
    assert json.loads(kept.read_text())["resources"]["cpu"]["capacity"] == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "give --qps and --sla"),
        (["--qps", "10", "--sla", "p99=1s"], "where stage times come from"),
        (["--qps", "10", "--from", "x.json"], "both --qps and --sla"),
        (["--qps", "10", "--sla", "p99=1s", "--measure"], "needs the server's --url"),
        (["--qps", "10", "--sla", "p99=1s", "--from", "missing.json"], "cannot read missing.json"),
        (["--qps", "10", "--sla", "p99=1s", "--from", "PROFILE", "--survive-region-loss"], "two regions"),
        (["--qps", "10", "--sla", "p99=1s", "--from", "PROFILE", "--regions", "eu=0.5,us=0.4"], "add up to 0.9"),
        (["--qps", "10", "--sla", "p99=1s", "--from", "PROFILE", "--set", "x.y=1"], "no stage or resource"),
    ],
)
def test_a_command_line_that_cannot_be_used_is_one_line_and_64(profile, capsys, options, message):
    assert main(["plan", *(profile if option == "PROFILE" else option for option in options)]) == 64
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "option", [("--regions", "eu"), ("--headroom", "-1"), ("--qps", "none"), ("--sla", "99"), ("--max-replicas", "0")]
)
def test_a_value_that_cannot_be_read_exits_with_64(profile, option):
    with pytest.raises(SystemExit) as exit_:
        plan(profile, *option)
    assert exit_.value.code == 64


def test_a_server_that_is_down_is_one_line(capsys):
    assert main(["plan", "--qps", "1", "--sla", "p99=1s", "--url", "http://127.0.0.1:9", "--measure"]) == 70
    assert capsys.readouterr().err.count("\n") == 1
