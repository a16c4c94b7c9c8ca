package dynamo

// Stats is what a partition has counted since it was made.
type Stats struct {
	Operations    uint64 // begun here, those that peers passed on among them
	Passed        uint64 // handed to another node
	Unavailable   uint64
	Timeouts      uint64 // operations of unknown outcome
	Lost          uint64 // of those, the ones that ended before their deadline: too many had failed or refused
	Overloaded    uint64
	Reissues      uint64 // stampings above what hid an operation
	Unclear       uint64 // hidden by what may have seen the operation: no ack, and not stamped again
	Differing     uint64 // reads and gathers that found replicas apart
	WriteBacks    uint64 // answers that waited until a quorum held what they show
	Speculations  uint64 // reads that asked more replicas because one was late
	OverBudget    uint64 // reads that did not, for the budget was spent
	Repairs       uint64 // stale replicas that were sent rows without anybody waiting
	Conflicts     uint64 // concurrent writes that a merge let go of
	HintsStored   uint64 // rows taken to keep for others
	HintsLost     uint64 // rows that could not be kept for others
	HintsReplayed uint64 // rows that came home and went
	HintsDropped  uint64 // rows not kept for others: past the window or the bound of bytes
	HintsRefused  uint64 // writes refused at the bound of bytes, for they count on their hints
	Apart         uint64 // partitions with a home replica that lacks rows of which there is no hint, as they are now
	Refused       uint64 // peers' requests: drift, epoch, not a home replica, unreadable
	Fenced        uint64 // peers' requests of an epoch that the partition's stage does not allow
	MovedIn       uint64 // rows copied from old owners, known before or not
	MovedOut      uint64 // rows that others copied, or that were handed over
	MovedBytesIn  uint64
	MovedBytesOut uint64
	Corrupt       uint64 // rows that could not be merged or read
}

// Add adds another partition's counts.
func (s *Stats) Add(t Stats) {
	s.Operations += t.Operations
	s.Passed += t.Passed
	s.Unavailable += t.Unavailable
	s.Timeouts += t.Timeouts
	s.Lost += t.Lost
	s.Overloaded += t.Overloaded
	s.Reissues += t.Reissues
	s.Unclear += t.Unclear
	s.Differing += t.Differing
	s.WriteBacks += t.WriteBacks
	s.Speculations += t.Speculations
	s.OverBudget += t.OverBudget
	s.Repairs += t.Repairs
	s.Conflicts += t.Conflicts
	s.HintsStored += t.HintsStored
	s.HintsLost += t.HintsLost
	s.HintsReplayed += t.HintsReplayed
	s.HintsDropped += t.HintsDropped
	s.HintsRefused += t.HintsRefused
	s.Apart += t.Apart
	s.Refused += t.Refused
	s.Fenced += t.Fenced
	s.MovedIn += t.MovedIn
	s.MovedOut += t.MovedOut
	s.MovedBytesIn += t.MovedBytesIn
	s.MovedBytesOut += t.MovedBytesOut
	s.Corrupt += t.Corrupt
}
