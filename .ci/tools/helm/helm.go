// Package helm has the tests of the Helm chart in internal/deploy/helm: Helm's own engine and linter render and read it, and Kubernetes' types
// decode what comes of it. It is a module of its own, so that none of that is in cutline's go.mod. `.ci/integration deploy` runs it.
package helm
