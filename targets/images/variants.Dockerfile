# What the probes of images compare with targets/images/Dockerfile: mistakes and other choices, none to be deployed.
ARG BASE_IMAGE=python:3.12-slim-bookworm

# Begins as the other file does, so that the layers are shared.
FROM ${BASE_IMAGE} AS tools
ARG UV_VERSION=0.13.9
COPY targets/images/with_host /usr/local/bin/with_host
RUN --mount=type=secret,id=ca --mount=type=secret,id=index \
    python3 -m venv /opt/uv \
    && with_host /opt/uv/bin/pip install --no-cache-dir --quiet "uv==${UV_VERSION}"
ARG UV_COMPILE_BYTECODE=1
ARG UV_LINK_MODE=copy
ARG UV_NO_CACHE=1
ENV UV_COMPILE_BYTECODE=${UV_COMPILE_BYTECODE} \
    UV_LINK_MODE=${UV_LINK_MODE} \
    UV_NO_CACHE=${UV_NO_CACHE}
WORKDIR /app

# One stage: whatever installs is in what runs.
FROM tools AS single
ARG LOCK=service
COPY targets/images/locks/${LOCK}.lock requirements.lock
RUN --mount=type=secret,id=ca --mount=type=secret,id=index \
    /opt/uv/bin/uv venv --quiet --python "$(command -v python3)" .venv \
    && with_host /opt/uv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock
COPY targets targets
RUN python3 -m compileall -q targets \
    && groupadd --system --gid 10001 appuser \
    && useradd --system --uid 10001 --gid appuser --home-dir /app --no-create-home --shell /usr/sbin/nologin appuser
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONFAULTHANDLER=1 \
    PYTHONPATH=/app \
    PATH=/app/.venv/bin:$PATH
# The name is what the standard asks for; by number it is 10001.
# hadolint ignore=DL3066
USER appuser
EXPOSE 8000
# No ENTRYPOINT: arguments of `docker run` take the place of all of it.
CMD ["granian", "--interface", "asgi", "--host", "0.0.0.0", "--port", "8000", "--no-access-log", "--factory", "targets.service.main:create_app"]

# The source before the lock file: an edit of the source installs everything again.
FROM tools AS source-first-builder
ARG LOCK=service
COPY targets targets
RUN --mount=type=secret,id=ca --mount=type=secret,id=index \
    /opt/uv/bin/uv venv --quiet --python "$(command -v python3)" .venv \
    && with_host /opt/uv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes \
        "targets/images/locks/${LOCK}.lock"
RUN python3 -m compileall -q targets

FROM ${BASE_IMAGE} AS source-first
WORKDIR /app
COPY --from=source-first-builder /app/.venv .venv
COPY --from=source-first-builder /app/targets targets

# uv's cache on a file system of its own; another ROUND runs the installation again.
FROM tools AS mounted
ARG LOCK=service
ARG ROUND=1
COPY targets/images/locks/${LOCK}.lock requirements.lock
RUN --mount=type=secret,id=ca --mount=type=secret,id=index --mount=type=cache,target=/var/cache/uv \
    echo "round ${ROUND}" \
    && /opt/uv/bin/uv venv --quiet --python "$(command -v python3)" .venv \
    && UV_NO_CACHE=0 UV_COMPILE_BYTECODE=0 UV_CACHE_DIR=/var/cache/uv \
        with_host /opt/uv/bin/uv pip sync --python .venv/bin/python --require-hashes requirements.lock
