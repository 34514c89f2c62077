import pytest

from tests.model_repository.preprocess.siblings import image_refused, request_batch

LANDSCAPE, SQUARE, PORTRAIT = (640, 480), (500, 500), (480, 640)


@pytest.mark.parametrize("sizes", [[LANDSCAPE], [PORTRAIT], [LANDSCAPE, SQUARE, LANDSCAPE], [PORTRAIT] * 16, []])
def test_rows_of_one_orientation_agree(sizes):
    request_batch.check_one_orientation(sizes)


def test_rows_of_both_orientations_are_refused_by_row():
    with pytest.raises(image_refused.ImageRefusedError) as refused:
        request_batch.check_one_orientation([LANDSCAPE, PORTRAIT, SQUARE, PORTRAIT])

    assert refused.value.reason == "mixed_orientations"
    assert "rows 0, 2 are landscape and rows 1, 3 portrait" in str(refused.value)


def test_an_error_names_its_row_where_there_are_several():
    error = image_refused.ImageRefusedError(image_refused.RefusalReason.EMPTY, "received 0 bytes")

    assert str(request_batch.annotate_row(error, 0, 1)) == "image refused (empty): received 0 bytes"
    assert str(request_batch.annotate_row(error, 3, 8)) == "image refused (empty): row 3 of 8: received 0 bytes"


def test_reason_codes_are_stable():
    # Clients map errors by these. Add to them, rename none.
    assert [str(reason) for reason in image_refused.RefusalReason] == [
        "empty",
        "too_many_bytes",
        "not_an_image",
        "unsupported_format",
        "too_many_pixels",
        "broken_image",
        "mixed_orientations",
    ]
