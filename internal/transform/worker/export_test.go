package worker

import "context"

// EndInHand takes an idle worker as a job does, kills it, and gives it back.
func EndInHand(e *Engine) error {
	leave, err := e.pool.enter(context.Background())
	if err != nil {
		return err
	}
	defer leave()
	c, err := e.pool.take()
	if err != nil {
		return err
	}
	c.kill()
	<-c.exited
	e.pool.put(c)
	return nil
}
