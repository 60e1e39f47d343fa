# Two images. The default is the program alone, static: WebP, AVIF and JPEG are encoded by libraries in WebAssembly, or
# translated from it (wasm2go: AVIF, see internal/docs/adr/0015-avif-as-go.md). "native" has Debian's libwebp besides, which encodes WebP three times as fast; nothing native ever
# decodes (internal/docs/adr/0010-native-code-only-encodes.md), and AVIF stays without a shared library there too.
#
#   docker build -t cutline .
#   docker build -t cutline:native --target native .
#   docker buildx build --platform linux/amd64,linux/arm64 -t cutline .
#   docker run --rm --read-only -p 8080:8080 -v "$PWD/testdata/site:/site:ro" -v cutline-cache:/var/cache/cutline cutline
#
# Neither needs to write anywhere but in its volume. internal/deploy/README.md says what of this was tried.
# BuildKit builds it (Docker 23; before that with DOCKER_BUILDKIT=1), or Podman: what was downloaded and compiled is kept for the next time.

# Go compiles for any machine on this one.
FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS source
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS=linux
ARG TARGETARCH=amd64
ARG VERSION=
# A named volume takes over owner and mode of the folder that it covers; COPY keeps the mode of what is inside its source. What Debian's
# images have, an empty one has from here: names of users, and a folder for temporary files.
RUN mkdir -p /out/cache/var/cache /out/etc /out/tmp \
 && mkdir -m 0700 /out/cache/var/cache/cutline \
 && mkdir -m 1777 /out/tmp/tmp \
 && echo 'root:x:0:0:root:/:/nologin\ncutline:x:65532:65532:cutline:/:/nologin' >/out/etc/passwd \
 && echo 'root:x:0:\ncutline:x:65532:' >/out/etc/group

FROM source AS build-native
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -tags wasm2go -ldflags "-s -w -X main.version=${VERSION}" -o /out/cutline ./cmd/cutline

FROM source AS build
# nodynamic leaves out the loader of shared codec libraries, which would need glibc.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -tags nodynamic,wasm2go -ldflags "-s -w -X main.version=${VERSION}" -o /out/cutline ./cmd/cutline

FROM debian:12.12-slim AS native
# The loader asks for names without a version, which only Debian's -dev packages have.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libwebp7 libwebpdemux2 \
 && rm -rf /var/lib/apt/lists/* \
 && for file in /usr/lib/*/libwebp.so.* /usr/lib/*/libwebpdemux.so.*; do ln -sf "$(basename "$file")" "${file%%.so*}.so"; done
COPY --from=build-native /out/cutline /cutline
COPY --from=build-native --chown=65532:65532 /out/cache/ /
ARG VERSION=
LABEL org.opencontainers.image.title="cutline" \
      org.opencontainers.image.description="Featured images with their words: resized, re-encoded, cached; with native WebP" \
      org.opencontainers.image.source="https://github.com/dd8bf596/cutline" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
# Not flags of CMD: `docker exec NAME /cutline purge …` and the health check are to find the same.
ENV CUTLINE_LISTEN=:8080 CUTLINE_CACHE_DIR=/var/cache/cutline
USER 65532:65532
VOLUME /var/cache/cutline
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/cutline", "healthcheck"]
ENTRYPOINT ["/cutline"]
CMD ["serve", "/site"]

# Last, and so the default. What a base image for static programs would bring is copied: no tag to follow, nothing in it that is not ours.
FROM scratch AS static
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/etc/ /etc/
COPY --from=build /out/tmp/ /
COPY --from=build /out/cutline /cutline
COPY --from=build --chown=65532:65532 /out/cache/ /
ARG VERSION=
LABEL org.opencontainers.image.title="cutline" \
      org.opencontainers.image.description="Featured images with their words: resized, re-encoded, cached" \
      org.opencontainers.image.source="https://github.com/dd8bf596/cutline" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
ENV CUTLINE_LISTEN=:8080 CUTLINE_CACHE_DIR=/var/cache/cutline
USER 65532:65532
# The sites to serve are mounted read-only; the cache outlives the container.
VOLUME /var/cache/cutline
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/cutline", "healthcheck"]
ENTRYPOINT ["/cutline"]
CMD ["serve", "/site"]
