//go:build !gcs

package bucket

// gcsDriver is not built in.
func gcsDriver() (driver, bool) { return driver{}, false }
