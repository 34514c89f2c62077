# The client and the tools: `genod`, `python -m ensembles release fetch`, `python -m serving.probes`. No Triton, no torch.
#   docker build --file docker/tools.Dockerfile --tag genod-tools:0.1.0 .
# Base images come from the builder's default registry; name another with --build-arg PYTHON_IMAGE=host/python.

ARG PYTHON_IMAGE=python
ARG PYTHON_TAG=3.11-slim-bookworm

FROM ${PYTHON_IMAGE}:${PYTHON_TAG} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/environment
WORKDIR /build
# The pins first: the layer is kept as long as they are.
COPY requirements/demo.txt requirements/demo.txt
COPY docker/stores.txt docker/stores.txt
COPY docker/tools-packages.txt docker/tools-packages.txt
RUN /opt/environment/bin/pip install --constraint requirements/demo.txt --constraint docker/stores.txt \
      --requirement docker/tools-packages.txt
COPY clients clients
RUN /opt/environment/bin/pip install --constraint requirements/demo.txt ./clients

FROM ${PYTHON_IMAGE}:${PYTHON_TAG}
COPY --from=packages /opt/environment /opt/environment
WORKDIR /opt/genod
COPY ensembles ensembles
COPY serving serving
COPY LICENSE LICENSE
ENV PATH=/opt/environment/bin:$PATH \
    PYTHONPATH=/opt/genod \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp
USER 1000:1000
CMD ["genod", "--help"]
