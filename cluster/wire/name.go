package wire

import "strconv"

// String returns the kind's name, for people.
func (k Kind) String() string {
	switch k {
	case KindRead:
		return "Read"
	case KindReadReply:
		return "ReadReply"
	case KindWrite:
		return "Write"
	case KindWriteReply:
		return "WriteReply"
	case KindPass:
		return "Pass"
	case KindPassReply:
		return "PassReply"
	case KindAsk:
		return "Ask"
	case KindAnswer:
		return "Answer"
	case KindRing:
		return "Ring"
	case KindCompare:
		return "Compare"
	case KindCompared:
		return "Compared"
	case KindFetch:
		return "Fetch"
	case KindFetched:
		return "Fetched"
	}
	return "kind " + strconv.Itoa(int(k))
}

// String returns the status's name, for people.
func (s Status) String() string {
	switch s {
	case StatusOK:
		return "OK"
	case StatusHidden:
		return "Hidden"
	case StatusUnable:
		return "Unable"
	case StatusEpoch:
		return "Epoch"
	case StatusNotHome:
		return "NotHome"
	case StatusOverloaded:
		return "Overloaded"
	case StatusExpired:
		return "Expired"
	case StatusDrift:
		return "Drift"
	case StatusFull:
		return "Full"
	case StatusNoHint:
		return "NoHint"
	case StatusUnavailable:
		return "Unavailable"
	case StatusTimeout:
		return "Timeout"
	case StatusLevel:
		return "Level"
	case StatusError:
		return "Error"
	case StatusNotCopied:
		return "NotCopied"
	}
	return "status " + strconv.Itoa(int(s))
}

// String returns the reason's name, for people.
func (r Reason) String() string {
	switch r {
	case ReasonClient:
		return "client"
	case ReasonWriteBack:
		return "write-back"
	case ReasonRepair:
		return "repair"
	case ReasonHint:
		return "hint"
	case ReasonTransfer:
		return "transfer"
	}
	return "reason " + strconv.Itoa(int(r))
}
