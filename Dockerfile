# One image for every process: `digest web`, `worker`, `beat`, `inbound`, `migrate`.
# `make images` pins it by digest for docker-compose.yml; else: --build-arg PYTHON_IMAGE=python@sha256:…
ARG PYTHON_IMAGE=python:3.11-slim-trixie

# --- The wheel, and all it needs, in an environment that is copied as it is -------------------
FROM ${PYTHON_IMAGE} AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements-build.txt ./
RUN python -m pip install --require-hashes --only-binary :all: -r requirements-build.txt \
    && python -m venv --without-pip /opt/digest

# The dependencies change seldom: a layer of their own. requirements-extras.txt has boto3 and the
# clients of error reports and traces as well.
ARG REQUIREMENTS=requirements.txt
COPY ${REQUIREMENTS} requirements.txt
RUN python -m pip --python /opt/digest/bin/python \
    install --require-hashes --only-binary :all: -r requirements.txt

COPY pyproject.toml README.md LICENSE ./
COPY digest digest
COPY workers workers
COPY templates templates
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && python -m pip --python /opt/digest/bin/python install --no-deps dist/*.whl \
    && python -m cyclonedx_py environment --output-reproducible -o /opt/digest/sbom.json /opt/digest/bin/python

# --- What runs: no tests, no build tools, no embedded services --------------------------------
FROM ${PYTHON_IMAGE} AS production

# For `digest backup` and `restore`: pg_dump and pg_restore alone, without Perl and psql. They have to be
# of the server's version or newer.
ARG POSTGRES_CLIENT=postgresql-client-17
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpq5 liblz4-1 libzstd1 zlib1g \
    && cd /tmp && apt-get download "$POSTGRES_CLIENT" \
    && dpkg-deb --fsys-tarfile postgresql-client-*.deb \
       | tar --extract --directory=/ --wildcards './usr/lib/postgresql/*/bin/pg_dump' './usr/lib/postgresql/*/bin/pg_restore' \
    && rm -rf postgresql-client-*.deb /var/lib/apt/lists/* /var/cache/apt/*.bin \
    && /usr/lib/postgresql/*/bin/pg_dump --version && /usr/lib/postgresql/*/bin/pg_restore --version

COPY --from=build /opt/digest /opt/digest
RUN groupadd --system --gid 10001 digest \
    && useradd --system --uid 10001 --gid digest --home-dir /data digest \
    && install -d -o digest -g digest /data

USER digest
WORKDIR /data
ENV PATH=/opt/digest/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DIGEST_DATA_DIR=/data
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["digest"]
CMD ["web", "--host", "0.0.0.0"]
# Of the web process; docker-compose.yml names the one of each other process.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-m", "digest.alive", "web"]
