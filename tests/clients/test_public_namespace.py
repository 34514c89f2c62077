import genod_client

PUBLIC = [
    "Ancestor",
    "AsyncGenODClient",
    "Attribute",
    "Box",
    "ClientClosedError",
    "DeadlineExceededError",
    "DetectedObject",
    "Detection",
    "Detections",
    "EmbeddedBox",
    "EmbedderMismatchError",
    "Embeddings",
    "EnsembleMissingError",
    "FoundObject",
    "GenODClient",
    "GenODError",
    "ImageRefusedError",
    "ImageSize",
    "InvalidInputError",
    "RetryPolicy",
    "ServerError",
    "ServerOverloadedError",
    "Taxonomy",
    "UnavailableError",
    "UnexpectedResponseError",
    "VisualHash",
    "VisualSearch",
    "__version__",
]


def test_the_public_namespace_is_exactly_this():
    assert genod_client.__all__ == PUBLIC
    assert all(hasattr(genod_client, name) for name in PUBLIC)


def test_both_clients_have_the_same_methods_and_arguments():
    import inspect

    def signatures(cls):
        methods = {name: member for name, member in inspect.getmembers(cls, callable) if not name.startswith("_")}
        return {name: str(inspect.signature(member)) for name, member in methods.items()}

    assert signatures(genod_client.GenODClient) == signatures(genod_client.AsyncGenODClient)


def test_the_package_says_that_it_is_typed(repo_root):
    assert (repo_root / "clients" / "genod_client" / "py.typed").is_file()
