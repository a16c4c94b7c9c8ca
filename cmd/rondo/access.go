package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/conf"
	"github.com/rondokv/rondo/server"
)

// usersOf are the users of the settings. Each may do everything.
func usersOf(cfg conf.Config) ([]server.User, error) {
	var all []server.User
	for _, in := range cfg.UserList() {
		u := server.User{Name: in.Name, NoPass: in.NoPass, Off: in.Off, Rights: server.AllRights()}
		if in.Hash != "" {
			var sum [sha256.Size]byte
			if _, err := hex.Decode(sum[:], []byte(in.Hash)); err != nil {
				return nil, fmt.Errorf("setting users: hash of %s: %w", in.Name, err)
			}
			u.Passwords = append(u.Passwords, sum)
		}
		var err error
		if u.Levels, err = levelsOf(in.Read, in.Write); err != nil {
			return nil, fmt.Errorf("setting users: %s: %w", in.Name, err)
		}
		all = append(all, u)
	}
	return all, nil
}

// keyspacesOf are the rules of the settings.
func keyspacesOf(cfg conf.Config) ([]server.KeyspaceRule, error) {
	var all []server.KeyspaceRule
	for _, in := range cfg.KeyspaceRules() {
		levels, err := levelsOf(in.Read, in.Write)
		if err != nil {
			return nil, fmt.Errorf("setting keyspaces: %s: %w", in.Prefix, err)
		}
		all = append(all, server.KeyspaceRule{Prefix: in.Prefix, Levels: levels})
	}
	return all, nil
}

// levelsOf reads two levels; an empty one is none.
func levelsOf(read, write string) (l server.Levels, err error) {
	for _, of := range []struct {
		text string
		to   *cluster.Level
	}{{read, &l.Read}, {write, &l.Write}} {
		if of.text == "" {
			continue
		}
		if *of.to, err = cluster.ParseLevel([]byte(of.text)); err != nil {
			return l, err
		}
	}
	return l, nil
}
