# NVIDIA's Triton with what the models and the engine builder need besides.
#   docker build --file docker/triton.Dockerfile --tag genod-triton:26.05-py3 \
#     --build-arg TRITON_IMAGE=<registry of NVIDIA's images>/nvidia/tritonserver .
# For TensorRT engines add Python's tensorrt in the version whose libraries the image has; an engine loads in no other:
#     --build-arg TENSORRT_VERSION="$(docker run --rm --entrypoint printenv <the same image> TRT_VERSION)"

ARG TRITON_IMAGE=nvidia/tritonserver
ARG TRITON_TAG=26.05-py3

FROM ${TRITON_IMAGE}:${TRITON_TAG}
ARG TENSORRT_VERSION=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_BREAK_SYSTEM_PACKAGES=1
USER 0:0
COPY requirements/demo.txt /tmp/demo.txt
# pillow: the preprocess model. The others: `python3 -m serving build-engines`. All of them and nothing else, as the image
# keeps its own numpy.
RUN grep -E '^(grpcio|markdown-it-py|mdurl|ml-dtypes|onnx|packaging|pillow|protobuf|pygments|python-rapidjson|rich|tritonclient|typing-extensions|urllib3)==' \
      /tmp/demo.txt | sed 's/ .*//' > /tmp/pins.txt \
 && python3 -m pip install --no-deps --requirement /tmp/pins.txt \
 && if [ -n "${TENSORRT_VERSION}" ]; then python3 -m pip install "tensorrt==${TENSORRT_VERSION%%+*}"; fi \
 && rm /tmp/demo.txt /tmp/pins.txt
COPY serving /opt/genod/serving
COPY LICENSE /opt/genod/LICENSE
ENV PYTHONPATH=/opt/genod PYTHONDONTWRITEBYTECODE=1
RUN python3 -c "import PIL" && python3 -m serving build-engines --help > /dev/null
USER 1000:1000
# The chart starts tritonserver itself, as process 1.
ENTRYPOINT []
CMD ["tritonserver", "--help"]
