# A service of an exported model, without TensorFlow: docs/deployment.md.
#
#     python -m conversion.export checkpoint_lm_save exported --format=onnx
#     docker build -t bert-serve .
#     docker run --rm -p 8000:8000 -v "$PWD/exported:/model:ro" bert-serve
FROM python:3.11-slim

WORKDIR /build
COPY requirements-runtime.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements-runtime.lock
COPY . .
RUN pip install --no-cache-dir --no-deps . && rm -rf /build/*

WORKDIR /
USER nobody
EXPOSE 8000
HEALTHCHECK CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz')"]
ENTRYPOINT ["bert-serve", "--exported=/model", "--host=0.0.0.0"]
