package server

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/resp"
)

// modify applies the first of the modifiers and returns how many arguments it took.
func (u *User) modify(args [][]byte) (taken int, err error) {
	word := args[0]
	if level, ok := cutFold(word, "level="); ok {
		return u.modifyLevel(level, args)
	}
	refuse := func(why string) (int, error) { return 0, resp.ACLModifier(word, why) }
	switch text := string(lowerASCII(word)); {
	case text == "on" || text == "off":
		u.Off = text == "off"
	case text == "allkeys" || text == "~*" || text == "resetkeys":
		u.Rights.Keys = text != "resetkeys"
	case text == "allcommands" || text == "+@all" || text == "nocommands" || text == "-@all":
		u.Rights.Commands = text == "allcommands" || text == "+@all"
	case text == "allchannels" || text == "&*" || text == "resetchannels":
		u.Rights.Channels = text != "resetchannels"
	case text == "sanitize-payload" || text == "skip-sanitize-payload" || text == "clearselectors":
		return refuse(resp.ACLSyntax) // there are neither payloads nor selectors
	case u.Name == defaultUser && (text == "nopass" || text == "resetpass" || text == "reset" || strings.ContainsRune("><#!", firstRune(text))):
		return refuse(resp.ACLRequirePass)
	case text == "nopass":
		u.NoPass, u.Passwords = true, nil
	case text == "resetpass":
		u.NoPass, u.Passwords = false, nil
	case text == "reset":
		*u = User{Name: u.Name, Off: true}
	case strings.ContainsRune("><#!", firstRune(text)):
		if why := u.modifyPassword(word); why != "" {
			return refuse(why)
		}
	default:
		return refuse(resp.ACLSyntax)
	}
	return 1, nil
}

func firstRune(text string) rune {
	if text == "" {
		return -1
	}
	return rune(text[0])
}

// modifyPassword is >password, <password, #hash and !hash. It returns why not.
func (u *User) modifyPassword(word []byte) (why string) {
	sum := sha256.Sum256(word[1:])
	if word[0] == '#' || word[0] == '!' {
		var ok bool
		if sum, ok = parseHash(word[1:]); !ok {
			return resp.ACLHash
		}
	}
	at := slices.Index(u.Passwords, sum)
	switch adds := word[0] == '>' || word[0] == '#'; {
	case adds && at < 0 && len(u.Passwords) >= maxPasswords:
		return resp.ACLPasswords
	case adds:
		if at < 0 {
			u.Passwords = append(u.Passwords, sum)
		}
		u.NoPass = false
	case at < 0:
		return resp.ACLNoPassword
	default:
		u.Passwords = slices.Delete(u.Passwords, at, at+1)
	}
	return ""
}

func parseHash(digits []byte) (sum [sha256.Size]byte, ok bool) {
	if len(digits) != 2*sha256.Size || strings.ToLower(string(digits)) != string(digits) {
		return sum, false
	}
	_, err := hex.Decode(sum[:], digits)
	return sum, err == nil
}

// modifyLevel is level=ONE, level=READ ONE WRITE QUORUM as one argument or as several, and level= for none.
func (u *User) modifyLevel(first []byte, args [][]byte) (taken int, err error) {
	words := fieldsOf(first)
	taken = 1
	word := func(i int) []byte {
		if i < len(args) {
			return args[i]
		}
		return nil
	}
	for isLevelKind(lastOf(words)) || len(words) == 2 && isLevelKind(word(taken)) {
		if word(taken) == nil {
			break
		}
		words = append(words, word(taken))
		taken++
	}
	if len(words) == 0 {
		u.Levels = Levels{}
		return taken, nil
	}
	levels, bad := Levels{}.parse(words)
	if bad != "" {
		return 0, resp.ACLModifier(args[0], strings.TrimPrefix(string(bad), "ERR "))
	}
	u.Levels = levels
	return taken, nil
}

func lastOf(words [][]byte) []byte {
	if len(words) == 0 {
		return nil
	}
	return words[len(words)-1]
}

func isLevelKind(word []byte) bool { return equalFold(word, "read") || equalFold(word, "write") }

func fieldsOf(text []byte) (words [][]byte) {
	for word := range strings.FieldsSeq(string(text)) {
		words = append(words, []byte(word))
	}
	return words
}

// cutFold is bytes.CutPrefix without regard to case.
func cutFold(word []byte, prefix string) (rest []byte, ok bool) {
	if len(word) < len(prefix) || !equalFold(word[:len(prefix)], prefix) {
		return nil, false
	}
	return word[len(prefix):], true
}

// words are levels as ACL SETUSER takes them behind level=, empty for none.
func (l Levels) words() string {
	switch {
	case l == Levels{}:
		return ""
	case l.Read == l.Write:
		return l.Read.String()
	}
	var words []string
	for _, part := range []struct {
		kind  string
		level cluster.Level
	}{{"READ", l.Read}, {"WRITE", l.Write}} {
		if part.level.Level != 0 {
			words = append(words, part.kind, part.level.String())
		}
	}
	return strings.Join(words, " ")
}
