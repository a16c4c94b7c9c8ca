package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rondokv/rondo/resp"
)

// defaultUser is the user that a connection is until it says AUTH. Its password is the setting requirepass.
const defaultUser = "default"

// User is whom a client can become with AUTH or HELLO.
type User struct {
	Name      string
	Passwords [][sha256.Size]byte // SHA-256 of each; of the default user none
	NoPass    bool                // any password does
	Off       bool                // nobody becomes this user any more
	Levels    Levels              // zero where it has none of its own
	Rights    Rights
}

// Rights are what a user may do. Of each kind it is everything or nothing.
type Rights struct{ Commands, Keys, Channels bool }

// AllRights are those of the default user.
func AllRights() Rights { return Rights{Commands: true, Keys: true, Channels: true} }

// Bounds of users.
const (
	maxUsers     = 10_000
	maxPasswords = 64
)

// userSet is the users. A User in it never changes: it is replaced.
type userSet struct {
	version atomic.Uint64 // grows with every change
	mu      sync.RWMutex
	byName  map[string]*User
}

func newUserSet(all []User) *userSet {
	t := &userSet{byName: map[string]*User{defaultUser: {Name: defaultUser, NoPass: true, Rights: AllRights()}}}
	for i := range all {
		u := all[i]
		if u.Name == defaultUser {
			u.NoPass, u.Passwords = true, nil
		}
		t.byName[u.Name] = &u
	}
	return t
}

// get is a user, nil when there is none of that name.
func (t *userSet) get(name string) *User {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byName[name]
}

// all are the users by name.
func (t *userSet) all() []*User {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.SortedFunc(maps.Values(t.byName), func(a, b *User) int { return strings.Compare(a.Name, b.Name) })
}

// change replaces a user, or adds it, by what fn makes of a copy. Without error nothing fn did to the copy is lost, after one
// nothing of it is kept.
func (t *userSet) change(name string, fn func(*User) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := User{Name: name, Off: true}
	if old := t.byName[name]; old != nil {
		next = *old
		next.Passwords = slices.Clone(old.Passwords)
	} else if len(t.byName) >= maxUsers {
		return errTooManyUsers
	}
	if err := fn(&next); err != nil {
		return err
	}
	t.byName[name] = &next
	t.version.Add(1)
	return nil
}

// remove takes users away and tells which there were.
func (t *userSet) remove(names []string) (gone []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range names {
		if t.byName[name] != nil {
			delete(t.byName, name)
			gone = append(gone, name)
		}
	}
	if len(gone) > 0 {
		t.version.Add(1)
	}
	return gone
}

// takes tells whether the password is the user's. A user that is not there takes as long.
func (u *User) takes(password []byte, requirePass string) bool {
	given := sha256.Sum256(password)
	if u == nil {
		u = &User{Off: true, Passwords: make([][sha256.Size]byte, 1)}
	}
	same := 0
	for i := range u.Passwords {
		same |= subtle.ConstantTimeCompare(given[:], u.Passwords[i][:])
	}
	free := u.NoPass
	if u.Name == defaultUser {
		// Digests, so that the time does not tell the password's length either.
		right := sha256.Sum256([]byte(requirePass))
		same = subtle.ConstantTimeCompare(given[:], right[:])
		free = requirePass == ""
	}
	return !u.Off && (free || same == 1)
}

// letsIn tells whether clients that said no AUTH are the default user.
func (s *Server) letsIn() bool {
	u := s.users.get(defaultUser)
	return s.live.Load().RequirePass == "" && !u.Off
}

// become makes the session that of a user.
func (s *session) become(u *User) {
	s.userVersion = s.srv.users.version.Load()
	s.user.Store(&u.Name)
	s.rights, s.levels.user = u.Rights, u.Levels
	s.setLevels(s.levels.own)
}

// becomeDefault makes the session one that said no AUTH.
func (s *session) becomeDefault() {
	s.become(s.srv.users.get(defaultUser))
	s.setAuthed(s.srv.letsIn())
}

// refreshUser takes over what has become of the session's user. One that is gone has nothing left.
func (s *session) refreshUser() {
	if s.userVersion == s.srv.users.version.Load() {
		return
	}
	name := *s.user.Load()
	u := s.srv.users.get(name)
	if u == nil {
		u = &User{Name: name, Off: true}
	}
	s.become(u)
}

// userName is who the session is; any goroutine may ask.
func (s *session) userName() string { return *s.user.Load() }

// all reports whether nothing is denied.
func (r Rights) all() bool { return r.Commands && r.Keys }

// mayNot is the error for a command that the user may not run, empty when it may.
func (s *session) mayNot(e *entry) resp.Error {
	switch {
	case !s.rights.Commands:
		s.srv.totals.deniedRun.Add(1)
		return resp.NoPermCommand(e.cmd.Name)
	case !s.rights.Keys && len(e.cmd.KeySpecs) > 0:
		s.srv.totals.deniedRun.Add(1)
		return resp.ErrNoPermKey
	}
	return ""
}
