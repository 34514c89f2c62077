"""A FastAPI application around a pipeline: POST the photo's bytes to /detect, get JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response


def serve(pipeline: Callable[[bytes], dict[str, Any]], *, port: int, workers: int) -> None:
    """Serve until the process is ended.

    Both kinds of pipeline compute outside Python's global lock, so threads do; more of them than `workers` would only
    take the cores from each other.
    """
    app = FastAPI()
    pool = ThreadPoolExecutor(workers)

    async def detect(request: Request) -> Response:
        photo = await request.body()
        answer = await asyncio.get_running_loop().run_in_executor(pool, pipeline, photo)
        return JSONResponse(answer)

    async def health() -> Response:
        return Response()

    app.add_api_route("/detect", detect, methods=["POST"])
    app.add_api_route("/health", health, methods=["GET"])
    # httptools and uvloop where they are installed, as uvicorn[standard] would.
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)
