//go:build race

package worker_test

// underRace is a program that the race detector has terabytes of address space in.
const underRace = true
