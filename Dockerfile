# One image for every process: `digest web`, `worker`, `beat`, `migrate`.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app

# The dependencies change seldom: a layer of their own.
COPY requirements.txt ./
RUN python -m pip install -r requirements.txt

COPY pyproject.toml README.md ./
COPY digest digest
COPY workers workers
COPY templates templates
RUN python -m pip install --no-deps --editable . \
    && useradd --system --uid 10001 --home-dir /data digest \
    && install -d -o digest -g digest /data

USER digest
ENV DIGEST_DATA_DIR=/data
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["digest"]
CMD ["web", "--host", "0.0.0.0"]
