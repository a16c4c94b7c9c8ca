package peer

import "time"

// grumbleEvery is how often the same complaint may be logged.
const grumbleEvery = time.Minute

// grumble keeps one complaint from filling the log.
type grumble struct {
	said   bool
	at     time.Duration
	unsaid int
}

// now reports whether to say it, and how often it was not said since the last time.
func (g *grumble) now(now time.Duration) (say bool, unsaid int) {
	if g.said && now-g.at < grumbleEvery {
		g.unsaid++
		return false, 0
	}
	unsaid = g.unsaid
	*g = grumble{said: true, at: now}
	return true, unsaid
}
