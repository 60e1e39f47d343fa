# Two images. The default is the program alone, static: WebP, AVIF and JPEG are encoded by libraries in WebAssembly, or
# translated from it (wasm2go: AVIF, see internal/docs/adr/0015-avif-as-go.md). "native" has Debian's libwebp besides, which encodes WebP three times as fast; nothing native ever
# decodes (internal/docs/adr/0010-native-code-only-encodes.md), and AVIF stays without a shared library there too.
#
#   docker build -t cutline .
#   docker build -t cutline:native --target native .
#   docker run --rm -p 8080:8080 -v "$PWD/testdata/site:/site:ro" -v cutline-cache:/cache cutline

FROM golang:1.26-bookworm AS source
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
# A named volume takes over owner and mode of the folder that it covers; COPY keeps the mode of what is inside its source.
RUN mkdir -p /out/root && mkdir -m 0700 /out/root/cache

FROM source AS build-native
RUN CGO_ENABLED=0 go build -trimpath -tags wasm2go -ldflags "-s -w -X main.version=${VERSION}" -o /out/cutline ./cmd/cutline

FROM source AS build
# nodynamic leaves out the loader of shared codec libraries, which would need glibc.
RUN CGO_ENABLED=0 go build -trimpath -tags nodynamic,wasm2go -ldflags "-s -w -X main.version=${VERSION}" -o /out/cutline ./cmd/cutline

FROM debian:bookworm-slim AS native
# The loader asks for names without a version, which only Debian's -dev packages have.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libwebp7 libwebpdemux2 \
 && rm -rf /var/lib/apt/lists/* \
 && for file in /usr/lib/*/libwebp.so.* /usr/lib/*/libwebpdemux.so.*; do ln -sf "$(basename "$file")" "${file%%.so*}.so"; done
COPY --from=build-native /out/cutline /cutline
COPY --from=build-native --chown=65532:65532 /out/root/ /
USER 65532:65532
VOLUME /cache
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/cutline"]
CMD ["serve", "/site", "--listen", ":8080", "--cache", "/cache"]

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/cutline /cutline
COPY --from=build --chown=65532:65532 /out/root/ /
USER 65532:65532
# The sites to serve are mounted read-only; the cache outlives the container.
VOLUME /cache
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/cutline"]
CMD ["serve", "/site", "--listen", ":8080", "--cache", "/cache"]
