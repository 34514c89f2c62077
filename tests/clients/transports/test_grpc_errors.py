import grpc
import pytest

from genod_client.errors import DeadlineExceededError, ServerError, Status, UnavailableError
from genod_client.transports.grpc_errors import STATUS_OF_CODE, error_from_code, grpc_errors_as_ours


def test_every_status_code_of_grpc_is_mapped_to_its_namesake():
    assert set(STATUS_OF_CODE) == set(grpc.StatusCode) - {grpc.StatusCode.OK}
    assert {code.name: status.name for code, status in STATUS_OF_CODE.items()} == {
        status.name: status.name for status in Status
    }


@pytest.mark.parametrize("code", list(grpc.StatusCode))
def test_every_status_code_becomes_an_error_of_the_tree(code):
    expected = {"UNAVAILABLE": UnavailableError, "DEADLINE_EXCEEDED": DeadlineExceededError}
    error = error_from_code(code, "text")
    assert type(error) is expected.get(code.name, ServerError)
    assert str(error) == "text"


def test_an_error_without_details_names_its_code():
    assert str(error_from_code(grpc.StatusCode.INTERNAL, "")) == "gRPC status INTERNAL"


@pytest.mark.parametrize("base", [grpc.RpcError, grpc.aio.AioRpcError], ids=["blocking", "asyncio"])
def test_errors_of_both_kinds_of_channel_are_caught(base):
    class Failed(grpc.RpcError):  # type: ignore[misc]
        def code(self):
            return grpc.StatusCode.UNAVAILABLE

        def details(self):
            return "Socket closed"

    failed = Failed()
    if base is grpc.aio.AioRpcError:
        nothing = grpc.aio.Metadata()
        failed = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, nothing, nothing, details="Socket closed")
    with pytest.raises(UnavailableError, match="Socket closed") as caught, grpc_errors_as_ours():
        raise failed
    assert caught.value.__cause__ is failed
