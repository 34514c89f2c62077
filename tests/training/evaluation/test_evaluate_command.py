"""`python -m training evaluate` on two photos: a table, the metrics as JSON, and a page per data set."""

import json
import shutil

from training.__main__ import main


def test_it_measures_the_served_graphs_and_writes_what_is_asked_for(genod_data, tmp_path, capsys):
    source, folder = genod_data / "detection/microcontrollers", tmp_path / "microcontrollers"
    names = json.loads((source / "split.json").read_text())["val"][:2]
    (folder / "images").mkdir(parents=True)
    shutil.copy(source / "annotations.json", folder)
    (folder / "split.json").write_text(json.dumps({"train": [], "val": names}))
    for name in names:
        shutil.copy(source / "images" / name, folder / "images")

    written = tmp_path / "metrics.json"
    assert main(["evaluate", str(folder), "--json", str(written), "--report", str(tmp_path / "pages")]) == 0
    (metrics,) = json.loads(written.read_text()).values()
    assert 0 < metrics["AP50"] <= 1
    assert {"AP", "AP75", "AP_per_class", "AP50_per_class", "wAP50", "AR100"} <= metrics.keys()
    page = (tmp_path / "pages/microcontrollers.html").read_text()
    assert f"<dd>{metrics['AP50']:.3f}</dd>" in page
    assert "2 images" in page
    assert "AP50" in capsys.readouterr().out
