# One image for everything of ours: the five services, the command line, and what containers need besides.
#
#   docker build .                                   compiles from source
#   docker build --build-arg BINARIES=target/release .   takes binaries that were built before (on this Debian or an older one)

ARG BINARIES=

FROM rust:1.95-bookworm AS built
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target \
    cargo build --release --locked --workspace --bins \
    && mkdir /out && find target/release -maxdepth 1 -type f -executable -name 'duban*' -exec cp {} /out/ \;

FROM scratch AS built-taken
ARG BINARIES
COPY ${BINARIES}/duban ${BINARIES}/duban-gateway ${BINARIES}/duban-intake ${BINARIES}/duban-escalation \
     ${BINARIES}/duban-archive ${BINARIES}/duban-notifications ${BINARIES}/duban-container /out/

# `built` or `built-taken`: the one that is not named is not even looked at.
FROM built${BINARIES:+-taken} AS binaries

FROM debian:bookworm-slim
RUN [ -e /etc/ssl/certs/ca-certificates.crt ] \
    || { apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*; }
RUN useradd --uid 10001 --user-group --home-dir /var/lib/duban --create-home duban && mkdir /data && chown duban /data
COPY --from=binaries /out/ /usr/local/bin/
COPY policies /usr/share/duban/policies
USER duban
WORKDIR /var/lib/duban
VOLUME /var/lib/duban
EXPOSE 8080
CMD ["duban", "--help"]
