# Builds both services once, then one image for each that contains only its binary:
#   docker build --target checkout .
#   docker build --target inventory .

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# The commit that the log line at startup contains: docker build --build-arg GIT_COMMIT=$(git rev-parse HEAD) ...
ARG GIT_COMMIT=
# The cache mounts keep downloads and compiled dependencies between builds. Cargo detects changed sources by their
# modification time, and source files of another git clone can be older than the cache, so `touch` updates them.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,id=checkout-inventory-target,sharing=locked \
    touch */src/*.rs */*/src/*.rs \
    && cargo build --release --locked --package checkout --package inventory --features inventory/postgres \
    && mkdir -p /out/data \
    && cp target/release/checkout target/release/inventory /out/

FROM gcr.io/distroless/cc-debian12:nonroot AS checkout
COPY --from=build /out/checkout /usr/local/bin/
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/checkout"]

FROM gcr.io/distroless/cc-debian12:nonroot AS inventory
COPY --from=build /out/inventory /usr/local/bin/
# A new volume inherits the owner of its mount point. The owner must be the image's user, nonroot.
COPY --from=build --chown=65532:65532 /out/data /data
EXPOSE 8081
ENTRYPOINT ["/usr/local/bin/inventory"]
