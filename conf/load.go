package conf

import (
	"errors"
	"regexp"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

const (
	envPrefix  = "RONDO_"
	fileFlag   = "config"
	fileEnv    = envPrefix + "CONFIG"
	fileDoc    = "YAML file to read settings from"
	viperDelim = "::" // names have dots of their own
)

// Loaded is a configuration together with where each value came from.
type Loaded struct {
	Config
	sources map[string]string // by name: "--listen", "RONDO_LISTEN", "rondo.yaml:3"; absent: the default
}

// Source says where the value of a setting came from.
func (l Loaded) Source(name string) string {
	if s := l.sources[name]; s != "" {
		return s
	}
	return "default"
}

// Bind adds --config and a flag for every setting.
func Bind(flags *pflag.FlagSet) {
	flags.String(fileFlag, "", fileDoc)
	for _, s := range Settings() {
		text := s.Default()
		f := flags.VarPF(&flagText{text: text, kind: s.flagType()}, s.Name, "", s.usage())
		if s.Kind == KindBool {
			f.NoOptDefVal = "yes"
		}
	}
}

// Load puts together the values of flags that Bind has made, of env (as
// os.Environ gives it), of the YAML file and the defaults, the first found
// winning, and validates them. An empty file means the one that --config or
// RONDO_CONFIG names, if any; flags may be nil.
func Load(flags *pflag.FlagSet, file string, env []string) (Config, error) {
	l, err := LoadSources(flags, file, env)
	return l.Config, err
}

// LoadSources is Load and remembers the source of every value.
func LoadSources(flags *pflag.FlagSet, file string, env []string) (Loaded, error) {
	var errs []error
	fromEnv, err := readEnv(env)
	if err != nil {
		errs = append(errs, err)
	}
	file = chooseFile(flags, file, env)
	fromFile := map[string]given{}
	if file != "" {
		if fromFile, err = readFile(file); err != nil {
			errs = append(errs, err)
		}
	}
	l := Loaded{Config: Default(), sources: map[string]string{}}
	l.File = file
	merged, err := merge(flags, fromEnv, fromFile)
	if err != nil {
		return Loaded{}, err
	}
	for _, s := range Settings() {
		l.sources[s.Name] = sourceOf(s.Name, flags, fromEnv, fromFile)
		if err := s.Set(&l.Config, merged.GetString(s.Name)); err != nil {
			var e *Error
			if errors.As(err, &e) {
				e.Source = l.sources[s.Name]
			}
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 {
		// Each value is fine alone; this finds those that do not go together.
		if err := l.Validate(); err != nil {
			errs = append(errs, err)
		}
	}
	return l, errors.Join(errs...)
}

// merge layers the sources by precedence.
func merge(flags *pflag.FlagSet, fromEnv, fromFile map[string]given) (*viper.Viper, error) {
	v := viper.NewWithOptions(viper.KeyDelimiter(viperDelim))
	for _, s := range Settings() {
		v.SetDefault(s.Name, s.Default())
		if flags == nil || flags.Lookup(s.Name) == nil {
			continue
		}
		if err := v.BindPFlag(s.Name, flags.Lookup(s.Name)); err != nil {
			return nil, err
		}
	}
	for _, layer := range []map[string]given{fromFile, fromEnv} { // the later covers the earlier
		values := make(map[string]any, len(layer))
		for name, g := range layer {
			values[name] = g.text
		}
		if err := v.MergeConfigMap(values); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func sourceOf(name string, flags *pflag.FlagSet, fromEnv, fromFile map[string]given) string {
	if flags != nil && flags.Changed(name) {
		return "--" + name
	}
	if g, ok := fromEnv[name]; ok {
		return g.source
	}
	return fromFile[name].source
}

func chooseFile(flags *pflag.FlagSet, file string, env []string) string {
	if file != "" {
		return file
	}
	if flags != nil {
		if f := flags.Lookup(fileFlag); f != nil && f.Changed {
			return f.Value.String()
		}
	}
	for _, kv := range env {
		if name, value, _ := strings.Cut(kv, "="); name == fileEnv {
			return value
		}
	}
	return ""
}

// readEnv picks the RONDO_ variables out of env and refuses those it does not know.
func readEnv(env []string) (map[string]given, error) {
	var (
		errs   []error
		values = map[string]given{}
		names  = map[string]string{} // variable -> setting
		known  = []string{fileEnv}
	)
	for _, s := range Settings() {
		names[s.Env()] = s.Name
		known = append(known, s.Env())
	}
	for _, kv := range env {
		variable, text, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(variable, envPrefix) || variable == fileEnv {
			continue
		}
		if name, ok := names[variable]; ok {
			values[name] = given{text, variable}
		} else if !isServiceLink(variable, text) {
			errs = append(errs, &Error{Setting: variable, Source: "environment", Unknown: true, Meant: closest(variable, known)})
		}
	}
	return values, errors.Join(errs...)
}

// isServiceLink recognises the variables that Kubernetes puts into every
// container of a namespace that has a Service called rondo or rondo-something.
// Nobody wrote them, so they are no mistake.
func isServiceLink(variable, text string) bool {
	name := regexp.MustCompile(`^RONDO_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)
	port := regexp.MustCompile(`^RONDO_(.+_)?PORT=(tcp|udp|sctp)://`)
	return name.MatchString(variable) || port.MatchString(variable+"="+text)
}

// isGroup says whether settings have names that begin with name and a dot.
func isGroup(name string) bool {
	for _, s := range Settings() {
		if strings.HasPrefix(s.Name, name+".") {
			return true
		}
	}
	return false
}

// FlagError improves the text of an error about a flag that does not exist.
func FlagError(err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	name := unknown.GetSpecifiedName()
	e := &Error{Setting: "--" + name, Unknown: true, Expected: "a flag listed by --help"}
	if meant := Suggest(name); meant != "" {
		e.Meant = "--" + meant
	}
	return e
}

// flagText holds a flag's text until Load reads it: so that a bad value is
// reported like one from a file, together with all others.
type flagText struct {
	text string
	kind string
}

func (f *flagText) String() string     { return f.text }
func (f *flagText) Set(s string) error { f.text = s; return nil }
func (f *flagText) Type() string       { return f.kind }

func (s Setting) flagType() string {
	switch s.Kind {
	case KindEnum:
		return strings.Join(s.Values, "|")
	case KindBool:
		return "yes|no"
	case KindAddress:
		return "host:port"
	case KindLimit:
		return "limit"
	}
	return string(s.Kind)
}

// usage is the first sentence of the documentation.
func (s Setting) usage() string {
	first, _, _ := strings.Cut(s.Doc, ". ")
	return strings.ReplaceAll(strings.TrimSuffix(first, "."), "`", "")
}
