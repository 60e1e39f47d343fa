package cache

// WaitBuilt waits until the first build of the index has ended.
func (d *Disk) WaitBuilt() { <-d.built }
