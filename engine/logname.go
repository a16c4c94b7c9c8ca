package engine

import "sync"

// logNames spares Pebble the fsync of the directory that holds a new log. Pebble asks for it under its commit lock: on a disk that is
// busy no write would go on until it is over, for a second and more. The name need not be durable before the first record is, and
// whoever makes that durable syncs the name first, see walFile.syncNow.
//
// Pebble has a handle of the directory for the names of logs alone, and others for those of tables and of what is in force. It is known
// by the order of things while Pebble opens, which one goroutine does: the first log is made, then that handle synced.
type logNames struct {
	mu     sync.Mutex
	opens  bool         // Pebble is opening
	made   bool         // and has made its log
	handle *guardedFile // for names of logs; nil: not known, all are synced
}

// opening is called before Pebble opens: its handles are new ones.
func (n *logNames) opening() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.opens, n.made, n.handle = true, false, nil
}

// opened is called after Pebble has opened.
func (n *logNames) opened() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.opens = false
}

func (n *logNames) logMade() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.made = n.opens
}

// spares reports whether a directory's handle need not be synced.
func (n *logNames) spares(dir *guardedFile) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.opens && n.made && n.handle == nil {
		n.handle = dir
		return false // for once: what else of the opening is new in the directory comes along
	}
	return n.handle == dir
}
