from loadtest.capacity.stage_settings import StageSettings


def test_a_config_is_read_in_the_servers_words():
    settings = StageSettings.from_config(
        {
            "max_batch_size": 16,
            "instance_group": [{"count": 2, "kind": "KIND_CPU"}],
            "dynamic_batching": {
                "preferred_batch_size": [8, 4],
                "max_queue_delay_microseconds": "1500",
                "default_queue_policy": {
                    "timeout_action": "REJECT",
                    "default_timeout_microseconds": "10000000",
                    "max_queue_size": 64,
                },
            },
            "parameters": {"intra_op_thread_count": {"string_value": "2"}},
        }
    )
    assert settings == StageSettings(
        instances=2,
        max_batch=16,
        preferred_batch_sizes=(4, 8),
        max_queue_delay_ms=1.5,
        max_queue_size=64,
        queue_timeout_ms=10_000,
        threads=2,
        is_on_gpu=False,
    )


def test_without_dynamic_batching_requests_run_one_by_one():
    assert StageSettings.from_config({"max_batch_size": 16}).max_batch == 1


def test_with_one_as_the_only_preferred_size_requests_run_one_by_one_unless_they_wait():
    def largest(**batching):
        return StageSettings.from_config({"max_batch_size": 16, "dynamic_batching": batching}).max_batch

    assert largest(preferred_batch_size=[1]) == 1
    assert largest(preferred_batch_size=[1], max_queue_delay_microseconds="0") == 1
    assert largest(preferred_batch_size=[1], max_queue_delay_microseconds="5000") == 16
    assert largest(preferred_batch_size=[1, 4]) == largest() == 16


def test_instances_on_several_gpus_add_up():
    config = {"instance_group": [{"count": 2, "kind": "KIND_GPU", "gpus": [0, 1]}]}
    settings = StageSettings.from_config(config)
    assert (settings.instances, settings.is_on_gpu) == (4, True)


def test_a_timeout_that_only_delays_refuses_nobody():
    policy = {"timeout_action": "DELAY", "default_timeout_microseconds": 1000}
    config = {"max_batch_size": 4, "dynamic_batching": {"default_queue_policy": policy}}
    assert StageSettings.from_config(config).queue_timeout_ms == 0
