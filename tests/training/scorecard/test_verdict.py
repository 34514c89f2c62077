import pytest

from training.scorecard.verdict import Decision, Verdict, decide, decide_all


def test_a_clear_difference_at_every_seed_holds() -> None:
    assert decide([0.05, 0.06, 0.04], (0.02, 0.08)).verdict is Verdict.HOLDS


def test_a_clear_difference_the_other_way_does_not_hold() -> None:
    assert decide([-0.05, -0.06, -0.04], (-0.08, -0.02)).verdict is Verdict.DOES_NOT_HOLD


def test_no_difference_at_all_does_not_hold() -> None:
    assert decide([0.0, 0.0], (0.0, 0.0)).verdict is Verdict.DOES_NOT_HOLD


def test_an_interval_with_zero_inside_is_undecided() -> None:
    decision = decide([0.05, 0.06, 0.04], (-0.01, 0.11))
    assert decision.verdict is Verdict.UNDECIDED
    assert "-0.010 to +0.110" in decision.reason


def test_a_seed_against_the_others_is_undecided_whatever_the_interval_says() -> None:
    decision = decide([0.09, 0.10, -0.01], (0.01, 0.1))
    assert decision.verdict is Verdict.UNDECIDED
    assert "2 of 3 seeds" in decision.reason


@pytest.mark.parametrize("sign", [1, -1])
def test_one_training_decides_nothing(sign: int) -> None:
    decision = decide([sign * 0.5], (sign * 0.5 - 0.1, sign * 0.5 + 0.1))
    assert decision.verdict is Verdict.UNDECIDED
    assert "1 seed" in decision.reason


def test_one_run_decides_where_nothing_was_trained() -> None:
    assert decide([0.5], (0.4, 0.6), seeds_needed=1).verdict is Verdict.HOLDS


def test_the_threshold_moves_what_must_be_exceeded() -> None:
    assert decide([-0.01, -0.005], (-0.015, 0.0), threshold=-0.02).verdict is Verdict.HOLDS
    assert decide([-0.03, -0.04], (-0.05, -0.025), threshold=-0.02).verdict is Verdict.DOES_NOT_HOLD
    assert decide([-0.01, -0.01], (-0.03, 0.01), threshold=-0.02).verdict is Verdict.UNDECIDED


def test_several_measurements_hold_only_together() -> None:
    def decisions(*verdicts: Verdict) -> list[Decision]:
        return [Decision(verdict, "") for verdict in verdicts]

    assert decide_all(decisions(Verdict.HOLDS, Verdict.HOLDS)) is Verdict.HOLDS
    assert decide_all(decisions(Verdict.HOLDS, Verdict.UNDECIDED)) is Verdict.UNDECIDED
    assert decide_all(decisions(Verdict.HOLDS, Verdict.DOES_NOT_HOLD)) is Verdict.DOES_NOT_HOLD
    assert decide_all([]) is Verdict.UNDECIDED
