# The program, static, in an image with nothing else but the roots of trust that HTTPS needs.
#
#   docker build -t cutline .
#   docker run --rm -p 8080:8080 -v "$PWD/testdata/site:/site:ro" -v cutline-cache:/cache cutline

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# nodynamic leaves out the loader of shared codec libraries, which would need glibc (internal/docs/adr/0001-one-pure-go-engine.md).
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -tags nodynamic -ldflags "-s -w -X main.version=${VERSION}" -o /out/cutline ./cmd/cutline
# A named volume takes over owner and mode of the folder that it covers; COPY keeps the mode of what is inside its source.
RUN mkdir -p /out/root && mkdir -m 0700 /out/root/cache

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
