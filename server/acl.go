package server

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/rondokv/rondo/resp"
)

var errTooManyUsers = errors.New("there are too many users")

// aclCommand is ACL. Users are in memory: those of the settings, and what ACL SETUSER makes until the node stops.
func aclCommand(s *session, c *resp.Command, args [][]byte) resp.Value {
	switch c.Name {
	case "acl|whoami":
		return resp.BulkString(s.userName())
	case "acl|users":
		return aclUsers(s.srv, func(u *User) string { return u.Name })
	case "acl|list":
		return aclUsers(s.srv, func(u *User) string { return "user " + u.Name + " " + s.srv.describeUser(u) })
	case "acl|getuser":
		return aclGetUser(s.srv, string(args[2]))
	case "acl|setuser":
		return aclSetUser(s.srv, string(args[2]), args[3:])
	case "acl|deluser":
		return aclDelUser(s, args[2:])
	case "acl|cat":
		return aclCat(s.srv, args)
	case "acl|genpass":
		return aclGenPass(args[2:])
	}
	return s.srv.helpOrUnknown(c, args)
}

func aclUsers(srv *Server, text func(*User) string) resp.Value {
	var all []resp.Value
	for _, u := range srv.users.all() {
		all = append(all, resp.BulkString(text(u)))
	}
	return resp.Array(all...)
}

// passwordsOf are a user's passwords as hex digits; nopass says that any does.
func (s *Server) passwordsOf(u *User) (hashes []string, nopass bool) {
	sums := u.Passwords
	nopass = u.NoPass
	if u.Name == defaultUser {
		sums, nopass = nil, true
		if pass := s.live.Load().RequirePass; pass != "" {
			sums, nopass = [][sha256.Size]byte{sha256.Sum256([]byte(pass))}, false
		}
	}
	for i := range sums {
		hashes = append(hashes, hex.EncodeToString(sums[i][:]))
	}
	return hashes, nopass
}

// describeUser is a user as modifiers of ACL SETUSER.
func (s *Server) describeUser(u *User) string {
	hashes, nopass := s.passwordsOf(u)
	words := []string{either(u.Off, "off", "on")}
	if nopass {
		words = append(words, "nopass")
	}
	for _, h := range hashes {
		words = append(words, "#"+h)
	}
	if u.Rights.Keys {
		words = append(words, "~*")
	}
	words = append(words, either(u.Rights.Channels, "&*", "resetchannels"), either(u.Rights.Commands, "+@all", "-@all"))
	if level := u.Levels.words(); level != "" {
		words = append(words, "level="+level)
	}
	return strings.Join(words, " ")
}

func either(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

func aclGetUser(srv *Server, name string) resp.Value {
	u := srv.users.get(name)
	if u == nil {
		return resp.Nil()
	}
	hashes, nopass := srv.passwordsOf(u)
	flags := []resp.Value{resp.BulkString(either(u.Off, "off", "on"))}
	if nopass {
		flags = append(flags, resp.BulkString("nopass"))
	}
	passwords := make([]resp.Value, len(hashes))
	for i, h := range hashes {
		passwords[i] = resp.BulkString(h)
	}
	return resp.Map(
		resp.BulkString("flags"), resp.Set(flags...),
		resp.BulkString("passwords"), resp.Array(passwords...),
		resp.BulkString("commands"), resp.BulkString(either(u.Rights.Commands, "+@all", "-@all")),
		resp.BulkString("keys"), resp.BulkString(either(u.Rights.Keys, "~*", "")),
		resp.BulkString("channels"), resp.BulkString(either(u.Rights.Channels, "&*", "")),
		resp.BulkString("selectors"), resp.Array(),
		resp.BulkString("level"), resp.BulkString(u.Levels.words()),
	)
}

// aclSetUser changes or adds a user: all modifiers are taken, or none.
func aclSetUser(srv *Server, name string, modifiers [][]byte) resp.Value {
	if strings.ContainsAny(name, " \x00\t\r\n\v\f") {
		return resp.ErrUserName.Value()
	}
	err := srv.users.change(name, func(u *User) error {
		for rest := modifiers; len(rest) > 0; {
			n, err := u.modify(rest)
			if err != nil {
				return err
			}
			rest = rest[n:]
		}
		return nil
	})
	switch {
	case errors.Is(err, errTooManyUsers):
		return resp.ErrTooManyUsers.Value()
	case err != nil:
		return failure(err)
	}
	return resp.OK()
}

// aclDelUser removes users and closes their connections.
func aclDelUser(s *session, args [][]byte) resp.Value {
	names := make([]string, len(args))
	for i, a := range args {
		if names[i] = string(a); names[i] == defaultUser {
			return resp.ErrDefaultUser.Value()
		}
	}
	gone := s.srv.users.remove(names)
	s.srv.sessions.each(func(o *session) {
		switch {
		case !slices.Contains(gone, o.userName()):
		case o == s:
			s.closeAfterReply()
		default:
			o.kill()
		}
	})
	return resp.Int(int64(len(gone)))
}

// aclCat lists the categories, or the commands of one.
func aclCat(srv *Server, args [][]byte) resp.Value {
	var all []resp.Value
	switch len(args) {
	case 2:
		for _, name := range resp.CategoryNames() {
			all = append(all, resp.BulkString(strings.TrimPrefix(name, "@")))
		}
	case 3:
		want := "@" + string(lowerASCII(args[2]))
		if !slices.Contains(resp.CategoryNames(), want) {
			return resp.UnknownCategory(args[2]).Value()
		}
		for _, e := range srv.table.all {
			if e.cmd.Refused == "" && slices.Contains(e.cmd.Categories.Names(), want) {
				all = append(all, resp.BulkString(e.cmd.Name))
			}
		}
	default:
		return resp.SubcommandSyntax(args[0], args[1]).Value()
	}
	return resp.Array(all...)
}

// aclGenPass is random hex digits of so many bits.
func aclGenPass(args [][]byte) resp.Value {
	bits := int64(256)
	if len(args) > 0 {
		n, ok := resp.ParseInt(args[0])
		if !ok || n <= 0 || n > 4096 || len(args) > 1 {
			return resp.ErrPassBits.Value()
		}
		bits = n
	}
	digits := (bits + 3) / 4
	b := make([]byte, (digits+1)/2)
	_, _ = rand.Read(b) // it never fails
	return resp.BulkString(hex.EncodeToString(b)[:digits])
}
