from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from tests.model_repository.preprocess.siblings import MODEL_FOLDER, image_limits


def parsed_config():
    text = (MODEL_FOLDER / "config.pbtxt").read_text()
    return text_format.Parse(text, model_config_pb2.ModelConfig())


def test_the_config_declares_the_tensors_that_the_graph_is_wired_to():
    config = parsed_config()

    tensors = {tensor.name: (tensor.data_type, list(tensor.dims)) for tensor in [*config.input, *config.output]}
    assert tensors == {
        "image": (model_config_pb2.TYPE_STRING, [1]),
        "pixels": (model_config_pb2.TYPE_UINT8, [-1, -1, 3]),
        "image_size": (model_config_pb2.TYPE_INT32, [2]),
        "canvas_to_image": (model_config_pb2.TYPE_FP32, [2]),
        "object_canvas": (model_config_pb2.TYPE_UINT8, [-1, -1, 3]),
        "canvas_to_image_objects": (model_config_pb2.TYPE_FP32, [2]),
    }
    assert (config.name, config.backend, config.max_batch_size) == ("preprocess", "python", 16)


def test_the_limits_of_the_config_are_the_defaults_of_the_code():
    parameters = {name: value.string_value for name, value in parsed_config().parameters.items()}

    assert image_limits.ImageLimits.from_parameters(parameters) == image_limits.ImageLimits()
    assert set(vars(image_limits.ImageLimits())) < set(parameters)


def test_overload_is_refused_instead_of_queued_without_end():
    policy = parsed_config().dynamic_batching.default_queue_policy

    assert policy.max_queue_size > 0
    assert policy.default_timeout_microseconds > 0
    assert policy.timeout_action == model_config_pb2.ModelQueuePolicy.REJECT
