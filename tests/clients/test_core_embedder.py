"""The logic of `visual_search` and `embed`, driven by hand: no network, no waiting."""

import pytest

from genod_client import (
    Box,
    EnsembleMissingError,
    InvalidInputError,
    ServerError,
    UnavailableError,
    UnexpectedResponseError,
)
from genod_client.core import ClientCore, Pause
from genod_client.errors import Status, error_from_status
from genod_client.operations import CheckReady, Infer, ListModels, ModelRef, ReadParameters
from genod_client.retry import Deadline, RetryPolicy
from tests.clients.answers import embed_reply, expected_embeddings, expected_visual_search
from tests.clients.fake_transport import FakeTransport

BOXES = (Box(1, 2, 30, 40), Box(100, 50, 120, 60))
CALLS = pytest.mark.parametrize(
    "call",
    [
        lambda core: core.visual_search(b"photo", Deadline(10)),
        lambda core: core.embed(b"photo", BOXES, Deadline(10)),
    ],
    ids=["visual_search", "embed"],
)


@pytest.fixture
def core():
    return ClientCore(model=ModelRef("detect"), retry_policy=RetryPolicy(max_attempts=3, first_pause_s=0.0))


def drive(flow, transport):
    """Carry out a flow without waiting; return the result."""
    effect = next(flow)
    try:
        while True:
            if isinstance(effect, Pause):
                effect = flow.send(None)
                continue
            try:
                reply = transport.send(effect.operation, effect.timeout_s)
            except Exception as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(reply)
    except StopIteration as stop:
        return stop.value


def asked(transport):
    return [(type(operation), operation.model.name, operation.model.version) for operation in transport.operations]


def test_the_answers_are_those_of_the_ensembles(core):
    assert drive(core.visual_search(b"photo", Deadline(10)), FakeTransport()) == expected_visual_search()
    assert drive(core.embed(b"photo", BOXES, Deadline(10)), FakeTransport()) == expected_embeddings(*BOXES)


def test_a_version_is_asked_about_itself_once(core):
    transport = FakeTransport()
    for _ in range(2):
        drive(core.visual_search(b"photo", Deadline(10)), transport)
        drive(core.embed(b"photo", BOXES, Deadline(10)), transport)
    assert asked(transport) == [
        (Infer, "visual_search", ""),
        (ReadParameters, "visual_search", "1"),
        (Infer, "embed", ""),
        (ReadParameters, "embed", "1"),
        (Infer, "visual_search", ""),
        (Infer, "embed", ""),
    ]


def test_a_new_release_is_asked_about_itself_and_its_hashes_carry_its_version(core):
    transport = FakeTransport()
    old = drive(core.embed(b"photo", BOXES, Deadline(10)), transport)

    class Newer(FakeTransport):
        def send(self, operation, timeout_s):
            if isinstance(operation, Infer):
                return embed_reply(BOXES, model_version="2")
            assert operation == ReadParameters(ModelRef("embed", "2"))
            return {"embedder_version": "toy-2", "attributes": "{}"}

    new = drive(core.embed(b"photo", BOXES, Deadline(10)), Newer())
    assert (old.embedder_version, new.embedder_version) == ("toy-1", "toy-2")
    assert new[0].hash.data == old[0].hash.data
    assert new[0].hash != old[0].hash


def test_embed_asks_for_all_outputs_because_releases_differ_in_their_attributes(core):
    transport = FakeTransport()
    drive(core.embed(b"photo", BOXES, Deadline(10)), transport)
    infer = transport.operations[0]
    assert infer.outputs == ()
    assert list(infer.more_inputs) == ["boxes"]
    assert (infer.more_inputs["boxes"].datatype, infer.more_inputs["boxes"].shape) == ("FP32", (1, 2, 4))


@CALLS
def test_an_unavailable_server_is_tried_again(core, call):
    transport = FakeTransport(failures=[UnavailableError("down")] * 2)
    drive(call(core), transport)
    assert [type(operation) for operation in transport.operations] == [Infer, Infer, Infer, ReadParameters]


@CALLS
def test_other_errors_pass_as_they_are(core, call):
    error = ServerError("broken", "INTERNAL")
    with pytest.raises(ServerError) as caught:
        drive(call(core), FakeTransport(failures=[error]))
    assert caught.value is error


@CALLS
def test_a_server_without_the_ensembles_is_told_with_what_it_has(core, call):
    transport = FakeTransport()
    del transport.parameters_of_model["visual_search"], transport.parameters_of_model["embed"]
    with pytest.raises(
        EnsembleMissingError, match=r"has no ensemble '(visual_search|embed)'; it has detect\. A release without"
    ) as caught:
        drive(call(core), transport)
    assert caught.value.available == ("detect",)
    assert caught.value.status == "NOT_FOUND"
    assert [type(operation) for operation in transport.operations] == [Infer, ListModels]


@CALLS
def test_a_server_that_keeps_its_models_to_itself_is_told_without_them(core, call):
    not_found = error_from_status(Status.NOT_FOUND, "Request for unknown model")
    transport = FakeTransport(failures=[not_found, ServerError("this protocol is restricted", "UNAVAILABLE")])
    with pytest.raises(EnsembleMissingError, match=r"does not tell what it has .this protocol is restricted") as caught:
        drive(call(core), transport)
    assert caught.value.available == ()


def test_a_missing_version_is_named():
    core = ClientCore(model=ModelRef("detect", "9"), retry_policy=RetryPolicy())
    with pytest.raises(EnsembleMissingError, match="'visual_search' in version 9; it has detect, embed, visual_search"):
        drive(core.visual_search(b"photo", Deadline(10)), FakeTransport())


def test_a_release_that_is_switched_in_between_is_explained(core):
    class Switching(FakeTransport):
        def send(self, operation, timeout_s):
            if isinstance(operation, ReadParameters):
                raise error_from_status(Status.NOT_FOUND, "version 1 is not found")
            return super().send(operation, timeout_s)

    with pytest.raises(UnexpectedResponseError, match=r"Version 1 of ensemble 'embed' answered, but .* Try again"):
        drive(core.embed(b"photo", BOXES, Deadline(10)), Switching())


def test_boxes_are_judged_again_by_the_size_that_the_server_saw(core):
    # Nobody but the server could open this photo; the toy says that it has 640 × 480 pixels.
    with pytest.raises(InvalidInputError, match=r"boxes\[1\] = .* outside the upright photo of 640 × 480"):
        drive(core.embed(b"photo", (BOXES[0], Box(0, 0, 641, 10)), Deadline(10)), FakeTransport())


def test_readiness_stays_that_of_detect(core):
    transport = FakeTransport()
    assert drive(core.is_ready(Deadline(10)), transport) is True
    assert asked(transport) == [(CheckReady, "detect", "")]
