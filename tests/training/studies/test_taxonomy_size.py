from training.studies import taxonomy_size


def test_the_served_part_answers_as_the_whole_taxonomy_does(capsys):
    assert taxonomy_size.main(["--rounds", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" objects")[0] for line in lines] == ["4", "30"]
    assert all("times as long" in line for line in lines)
