package engine

import (
	"sync"
	"time"
)

// complaintPause is how long a complaint is not made again: Pebble tries again what failed, many times a second.
const complaintPause = time.Minute

// maxComplaints bounds how many different ones are remembered.
const maxComplaints = 1000

// complaints logs what went wrong in the background, each text once a while.
type complaints struct {
	log func(string)
	now func() time.Time

	mu   sync.Mutex
	last map[string]time.Time // under mu
}

func newComplaints(log func(string), now func() time.Time) *complaints {
	return &complaints{log: log, now: now, last: make(map[string]time.Time)}
}

func (c *complaints) say(text string) {
	now := c.now()
	c.mu.Lock()
	again := now.Sub(c.last[text]) < complaintPause
	if !again {
		if len(c.last) >= maxComplaints {
			clear(c.last)
		}
		c.last[text] = now
	}
	c.mu.Unlock()
	if !again {
		c.log(text)
	}
}
