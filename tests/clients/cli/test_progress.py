import io
import time

from genod_client.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_quick_work_is_silent(capsys):
    with Progress(total=2) as progress:
        progress.advance("a.jpg")
        progress.advance("b.jpg")
    assert capsys.readouterr() == ("", "")


def test_without_a_terminal_a_line_now_and_then_tells_how_far_it_is(capsys):
    with Progress(total=3, show_after_s=0.05) as progress:
        progress.advance("a.jpg")
        time.sleep(0.06)
        progress.advance("b.jpg")
        progress.advance("c.jpg")
    out, err = capsys.readouterr()
    assert (out, err) == ("", "genod: 2 of 3 photos done\n")


def test_on_a_terminal_a_bar_appears_while_the_first_photo_is_still_under_way(monkeypatch, capsys):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with Progress(total=3, show_after_s=0.05) as progress:
        time.sleep(0.3)
        assert "0/3" in terminal.getvalue()
        print("stdout stays stdout")
        progress.advance("a.jpg")
    assert capsys.readouterr().out == "stdout stays stdout\n"


def test_on_a_terminal_quick_work_shows_no_bar(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with Progress(total=1, show_after_s=5) as progress:
        progress.advance("a.jpg")
    assert "1/1" not in terminal.getvalue()
