"""The same call through the client for threads and the one for asyncio, as plain functions."""

import asyncio

import pytest

from genod_client import AsyncGenODClient, GenODClient


def call_sync(url, method, *arguments, timeout_s=None, **settings):
    with GenODClient(url, **settings) as client:
        return getattr(client, method)(*arguments, timeout_s=timeout_s)


def call_asyncio(url, method, *arguments, timeout_s=None, **settings):
    async def call():
        async with AsyncGenODClient(url, **settings) as client:
            return await getattr(client, method)(*arguments, timeout_s=timeout_s)

    return asyncio.run(call())


BOTH_CLIENTS = pytest.mark.parametrize("call", [call_sync, call_asyncio], ids=["threads", "asyncio"])
