# A stand-in of Valkey: the server of the wheel that the harness uses without containers, with the user and folder of the
# original image that compose.yaml relies on. Built by targets/images/stand_ins.
ARG BASE_IMAGE=python:3.12-slim-bookworm
FROM ${BASE_IMAGE}
RUN groupadd --system --gid 999 valkey \
    && useradd --system --uid 999 --gid valkey --home-dir /data --shell /usr/sbin/nologin valkey \
    && install --directory --owner=valkey --group=valkey /data
COPY valkey-server /usr/local/bin/valkey-server
WORKDIR /data
VOLUME /data
EXPOSE 6379
# hadolint ignore=DL3066
USER valkey
CMD ["valkey-server", "--protected-mode", "no"]
