//go:build !azure

package bucket

// azureDriver is not built in.
func azureDriver() (driver, bool) { return driver{}, false }
