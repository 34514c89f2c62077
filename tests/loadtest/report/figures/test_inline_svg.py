import re

from loadtest.report.figures.inline_svg import drawing, inline_svg
from loadtest.report.figures.palette import FIRST, VARIABLES


def draw(name, title="A <title> & more"):
    with drawing(3, 2) as figure:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=FIRST, label="$cost_1$")
        axes.legend()
        return inline_svg(figure, name=name, title=title, description="A line.")


def test_two_drawings_on_a_page_share_no_id():
    ids = [set(re.findall(r' id="([^"]+)"', draw(name))) for name in ("one", "two")]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_every_reference_within_a_drawing_finds_its_target():
    text = draw("one")
    ids = set(re.findall(r' id="([^"]+)"', text))
    references = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text)
    assert references
    assert {first or second for first, second in references} <= ids


def test_colours_are_the_variables_of_the_page():
    text = draw("one")
    assert "var(--first, #0067a5)" in text
    assert not any(colour in text for colour in VARIABLES)
    # Black text would vanish on a dark screen.
    assert 'fill="#000000"' not in text


def test_words_stay_words_and_are_escaped():
    text = draw("one")
    assert ">$cost_1$<" in text
    assert "A &lt;title&gt; &amp; more" in text
