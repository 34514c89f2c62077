"""The first Ctrl-C is a wish, a later one an order; afterwards signals mean what they meant before."""

import os
import signal
import threading

import pytest

from training.engine import stop_signal
from training.engine.stop_signal import StopSignal


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_and_its_echo_too(number):
    before = signal.getsignal(number)
    with StopSignal() as stop:
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        assert stop.received == number
    assert signal.getsignal(number) is before


@pytest.mark.usefixtures("ctrl_c_interrupts")
def test_a_later_ctrl_c_interrupts_at_once(monkeypatch):
    monkeypatch.setattr(stop_signal, "SAME_WISH_S", -1.0)
    with StopSignal():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_outside_of_the_main_thread_signals_are_left_alone():
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def look():
        with StopSignal():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]
