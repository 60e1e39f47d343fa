// Package images holds no code but tests: of the Dockerfile, the Compose file and the release's configuration, by the libraries of the
// programs that read them, and of the images, which Debian's Docker engine builds and runs. They are a module of their own, so that
// nothing of this is in the go.mod of cutline. ".ci/integration deploy" runs them.
package images
