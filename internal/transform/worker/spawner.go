package worker

import (
	"runtime"
	"sync"
)

// A spawner starts workers, all from one thread of this process that does nothing else. Linux kills a worker when the thread
// that started it ends (PR_SET_PDEATHSIG), so that thread must live as long as they. And what is taken from a thread is
// taken from every process that it starts, before the first instruction of that: here, privileges and files.
type spawner struct {
	once   sync.Once
	orders chan *order
	done   chan struct{}
}

// An order is a worker to be started.
type order struct {
	options  Options
	child    *child
	err      error
	finished chan struct{}
}

func newSpawner() *spawner { return &spawner{orders: make(chan *order), done: make(chan struct{})} }

// start starts a worker. The first call makes the thread.
func (s *spawner) start(o Options) (*child, error) {
	s.once.Do(func() { go s.run(o) })
	job := &order{options: o, finished: make(chan struct{})}
	select {
	case s.orders <- job:
	case <-s.done:
		return nil, errClosed
	}
	<-job.finished
	return job.child, job.err
}

// run is the thread. Go starts no other one from it. It cannot be given back, nor can it end: a thread that a shared library was
// called on by purego before it came here crashes when Go ends it (Go 1.26, glibc 2.36, with cgo). So it stays, asleep, as long
// as this process, which has one Engine or two.
func (s *spawner) run(o Options) {
	runtime.LockOSThread()
	standBack()
	landlock := 0
	if !o.Open {
		landlock = confineThread()
	}
	for {
		select {
		case job := <-s.orders:
			job.child, job.err = newChild(job.options)
			if job.err == nil {
				job.child.sandbox.Landlock = landlock
				job.err = job.child.start()
			}
			close(job.finished)
		case <-s.done:
			select {}
		}
	}
}

// close sends the thread to sleep.
func (s *spawner) close() { close(s.done) }
