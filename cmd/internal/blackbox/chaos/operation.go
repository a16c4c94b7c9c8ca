package chaos

import "strconv"

// Do runs one command on a key and tells how it ended; the reply is nil unless there was one.
type Do func(key string, args ...string) (reply []byte, end Outcome)

// Set writes the next number. The error says what that shows to be wrong, as with all operations here.
func (l *Ledger) Set(do Do) error {
	_, end := do(l.Key, "SET", l.Key, strconv.FormatUint(l.Send(), 10))
	return l.End(end)
}

// Get reads the key.
func (l *Ledger) Get(do Do) error {
	floor := l.Floor()
	reply, end := do(l.Key, "GET", l.Key)
	return judge(reply, end, floor, l.Judge)
}

// Increment adds one.
func (c *Counter) Increment(do Do) error {
	c.Send()
	floor := c.Floor()
	reply, end := do(c.Key, "INCR", c.Key)
	c.End(end)
	return judge(reply, end, floor+1, c.Judge)
}

// Get reads the counter.
func (c *Counter) Get(do Do) error {
	floor := c.Floor()
	reply, end := do(c.Key, "GET", c.Key)
	return judge(reply, end, floor, c.Judge)
}

// judge looks at the number that an answer shows, if it was one.
func judge(reply []byte, end Outcome, floor uint64, by func(floor, seen uint64) error) error {
	if end != OK {
		return nil
	}
	seen, err := Number(reply)
	if err != nil {
		return err
	}
	return by(floor, seen)
}
