# One image for every process: `digest web`, `worker`, `beat`, `migrate`.
# `make images` pins it by digest for docker-compose.yml; else: --build-arg PYTHON_IMAGE=python@sha256:…
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
FROM ${PYTHON_IMAGE}

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app

# The dependencies change seldom: a layer of their own.
COPY requirements.txt ./
RUN python -m pip install --require-hashes --only-binary :all: -r requirements.txt

COPY pyproject.toml README.md ./
COPY digest digest
COPY workers workers
COPY templates templates
RUN python -m pip install --no-deps --no-build-isolation --editable . \
    && useradd --system --uid 10001 --home-dir /data digest \
    && install -d -o digest -g digest /data

USER digest
ENV DIGEST_DATA_DIR=/data
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["digest"]
CMD ["web", "--host", "0.0.0.0"]
