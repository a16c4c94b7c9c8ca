package conf

import "strings"

// Kind is the type of a setting's value.
type Kind string

// The kinds of values. Each reads and prints in one way, see codec.go.
const (
	KindText     Kind = "text"
	KindPath     Kind = "path"
	KindAddress  Kind = "address"
	KindSize     Kind = "size"
	KindDuration Kind = "duration"
	KindEnum     Kind = "one of"
	KindBool     Kind = "yes or no"
	KindInteger  Kind = "integer"
	KindLimit    Kind = "limit of a class"
	KindList     Kind = "list"
)

// Setting describes one setting: a row of the table that flags, variables,
// file keys, CONFIG GET and SET, and the documentation come from.
type Setting struct {
	Name    string // its flag is --Name and its YAML key Name
	Group   string // heading in the documentation
	Unit    string // what a bare number counts; empty where a unit must be written or none makes sense
	Redis   string // name that CONFIG GET and CONFIG SET know it by as well; empty for none
	Doc     string // for people, in sentences
	Runtime bool   // CONFIG SET may change it
	Secret  bool   // its value is not shown

	codec
}

// Env is the name of the setting's environment variable.
func (s Setting) Env() string {
	return envPrefix + strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(s.Name))
}

// Default is the text of the setting's default value.
func (s Setting) Default() string { return s.Get(Default()) }

// Get returns the value as a configuration file writes it. For an optional
// address or path that is not set, it is empty.
func (s Setting) Get(c Config) string { return s.get(&c) }

// RedisText returns the value as CONFIG GET answers it: sizes as a number of
// bytes, durations as a number of Unit.
func (s Setting) RedisText(c Config) string {
	if s.redis != nil {
		return s.redis(&c)
	}
	return s.get(&c)
}

// Set reads text into c, or returns an *Error and leaves c as it was. It does
// not check the setting against others: Config.Validate does.
func (s Setting) Set(c *Config, text string) error {
	if s.Kind != KindText && s.Kind != KindPath {
		text = strings.TrimSpace(text)
	}
	if s.set(c, text) {
		return nil
	}
	e := &Error{Setting: s.Name, Value: text, Expected: s.Expects}
	if s.Secret {
		e.Value = ""
	}
	if len(s.Values) > 0 {
		e.Meant = closest(strings.ToLower(text), s.Values)
	}
	return e
}

// Lookup finds a setting by its name or by the name that Redis has for it.
func Lookup(name string) (Setting, bool) {
	name = strings.ToLower(name)
	for _, s := range Settings() {
		if s.Name == name || (s.Redis == name && name != "") {
			return s, true
		}
	}
	return Setting{}, false
}

// Suggest returns the setting whose name is closest to an unknown one, or "".
func Suggest(unknown string) string {
	var known []string
	for _, s := range Settings() {
		known = append(known, s.Name)
		if s.Redis != "" && s.Redis != s.Name {
			known = append(known, s.Redis)
		}
	}
	name := closest(strings.ToLower(unknown), known)
	if s, ok := Lookup(name); ok {
		return s.Name
	}
	return ""
}
