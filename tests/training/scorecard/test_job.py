from dataclasses import replace

from training.scorecard.job import Job

JOB = Job(name="Double 1, seed 0", function="somewhere:double", arguments={"number": 1})


def test_a_result_is_kept_under_a_readable_name_of_code_arguments_and_files_read(tmp_path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"one")
    job = replace(JOB, reads=(photo,))
    before = job.key("code")

    assert before.startswith("double_1_seed_0-")
    assert job.key("other code") != before
    assert replace(job, arguments={"number": 2}).key("code") != before
    assert replace(job, cost=99.0).key("code") == before
    photo.write_bytes(b"two")
    assert job.key("code") != before
