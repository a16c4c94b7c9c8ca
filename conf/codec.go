package conf

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// codec reads and prints one field of Config. What get prints, set reads back.
type codec struct {
	Kind    Kind
	Expects string   // completes "expected ..."
	Values  []string // the words of an enum

	set   func(c *Config, text string) bool // false and no change when the text is not acceptable
	get   func(c *Config) string
	redis func(c *Config) string // nil: as get
}

const expectAddress = "host:port such as 127.0.0.1:6379 (no host: every address; port 0: any free one)"

// password is taken as it is, blanks and all.
func password(maxBytes int, field func(*Config) *string) codec {
	return codec{
		Kind: KindText, Expects: fmt.Sprintf("a password of at most %d bytes", maxBytes),
		set: func(c *Config, text string) bool {
			if len(text) > maxBytes {
				return false
			}
			*field(c) = text
			return true
		},
		get: func(c *Config) string { return *field(c) },
	}
}

func filePath(expects string, optional bool, field func(*Config) *string) codec {
	return codec{
		Kind: KindPath, Expects: expects,
		set: func(c *Config, text string) bool {
			if (text == "" && !optional) || strings.ContainsRune(text, 0) {
				return false
			}
			*field(c) = text
			return true
		},
		get: func(c *Config) string { return *field(c) },
	}
}

// address reads host:port; a derived one may be empty, a closable one off.
func address(derived, closable bool, field func(*Config) *string) codec {
	expects := expectAddress
	if closable {
		expects += ", or off"
	}
	return codec{
		Kind: KindAddress, Expects: expects,
		set: func(c *Config, text string) bool {
			if strings.EqualFold(text, Off) {
				text = Off
			}
			if _, _, err := splitAddress(text); err == nil || (derived && text == "") || (closable && text == Off) {
				*field(c) = text
				return true
			}
			return false
		},
		get: func(c *Config) string { return *field(c) },
	}
}

// advertised reads host or host:port. A wildcard host is refused: clients could
// not dial it.
func advertised(field func(*Config) *string) codec {
	return codec{
		Kind: KindAddress, Expects: "a host or host:port that clients can dial, not a wildcard",
		set: func(c *Config, text string) bool {
			host := trimBrackets(text)
			if h, port, err := splitAddress(text); err == nil {
				if port == 0 {
					return false
				}
				host = h
			}
			if strings.ContainsAny(host, " []/?") || host == "0.0.0.0" || host == "::" || (host == "" && text != "") {
				return false
			}
			*field(c) = text
			return true
		},
		get: func(c *Config) string { return *field(c) },
	}
}

func enum[T ~string](field func(*Config) *T, values ...T) codec {
	k := codec{Kind: KindEnum, get: func(c *Config) string { return string(*field(c)) }}
	for _, v := range values {
		k.Values = append(k.Values, string(v))
	}
	k.Expects = "one of " + strings.Join(k.Values, ", ")
	k.set = func(c *Config, text string) bool {
		for _, v := range values {
			if strings.EqualFold(text, string(v)) {
				*field(c) = v
				return true
			}
		}
		return false
	}
	return k
}

func level(field func(*Config) *slog.Level) codec {
	return codec{
		Kind: KindEnum, Expects: "one of debug, info, warn, error", Values: []string{"debug", "info", "warn", "error"},
		set: func(c *Config, text string) bool {
			for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
				if strings.EqualFold(text, l.String()) {
					*field(c) = l
					return true
				}
			}
			return false
		},
		get: func(c *Config) string { return strings.ToLower(field(c).String()) },
	}
}

func boolean(field func(*Config) *bool) codec {
	return codec{
		Kind: KindBool, Expects: "yes or no",
		set: func(c *Config, text string) bool {
			switch strings.ToLower(text) {
			case "yes", "true", "on", "1":
				*field(c) = true
			case "no", "false", "off", "0":
				*field(c) = false
			default:
				return false
			}
			return true
		},
		get: func(c *Config) string {
			if *field(c) {
				return "yes"
			}
			return "no"
		},
	}
}

func integer(lo, hi int, field func(*Config) *int) codec {
	return codec{
		Kind: KindInteger, Expects: fmt.Sprintf("a whole number from %d to %d", lo, hi),
		set: func(c *Config, text string) bool {
			n, err := strconv.Atoi(text)
			if err != nil || n < lo || n > hi {
				return false
			}
			*field(c) = n
			return true
		},
		get: func(c *Config) string { return strconv.Itoa(*field(c)) },
	}
}

func powerOfTwo(lo, hi int, field func(*Config) *int) codec {
	k := integer(lo, hi, field)
	k.Expects = fmt.Sprintf("a power of two from %d to %d", lo, hi)
	inRange := k.set
	k.set = func(c *Config, text string) bool {
		n, err := strconv.Atoi(text)
		return err == nil && n > 0 && n&(n-1) == 0 && inRange(c, text)
	}
	return k
}

func size(lo, hi int64, field func(*Config) *int64) codec {
	return codec{
		Kind: KindSize, Expects: fmt.Sprintf("a size from %s to %s, such as %s", FormatSize(lo), FormatSize(hi), FormatSize(clamp(256*mb, lo, hi))),
		set: func(c *Config, text string) bool {
			n, err := ParseSize(text)
			if err != nil || n < lo || n > hi {
				return false
			}
			*field(c) = n
			return true
		},
		get:   func(c *Config) string { return FormatSize(*field(c)) },
		redis: func(c *Config) string { return strconv.FormatInt(*field(c), 10) },
	}
}

// orWord lets a size be a word too, which stands for value.
func (k codec) orWord(word string, value int64, field func(*Config) *int64) codec {
	set, get, redis := k.set, k.get, k.redis
	k.Expects = word + " or " + k.Expects
	k.set = func(c *Config, text string) bool {
		if strings.EqualFold(text, word) {
			*field(c) = value
			return true
		}
		return set(c, text)
	}
	k.get = func(c *Config) string {
		if *field(c) == value {
			return word
		}
		return get(c)
	}
	k.redis = func(c *Config) string {
		if *field(c) == value {
			return word
		}
		return redis(c)
	}
	return k
}

// span is the range of a duration. A bare number counts in unit; zero means that a
// unit must be written. Redis's own settings have one, and print as a number.
type span struct{ lo, hi, unit time.Duration }

func duration(expects string, r span, field func(*Config) *time.Duration) codec {
	return codec{
		Kind: KindDuration, Expects: expects,
		set: func(c *Config, text string) bool {
			d, err := time.ParseDuration(text)
			if r.unit > 0 {
				if n, bare := strconv.ParseInt(text, 10, 64); bare == nil {
					if n > int64(r.hi/r.unit) || n < int64(r.lo/r.unit) {
						return false
					}
					d, err = time.Duration(n)*r.unit, nil
				}
			}
			if err != nil || d < r.lo || d > r.hi || (r.unit > 0 && d%r.unit != 0) {
				return false
			}
			*field(c) = d
			return true
		},
		get: func(c *Config) string {
			if r.unit > 0 {
				return strconv.FormatInt(int64(*field(c)/r.unit), 10)
			}
			return formatDuration(*field(c))
		},
	}
}

// formatDuration drops the zero units that time.Duration.String appends.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// outputLimit reads Redis's client-output-buffer-limit for the one class there
// is. The soft limit and its seconds must be 0: write-timeout does that work.
func outputLimit(lo, hi int64, field func(*Config) *int64) codec {
	k := size(lo, hi, field)
	plain, bytes := k.set, k.redis
	k.Kind = KindLimit
	k.Expects = fmt.Sprintf("normal <hard limit from %s to %s> 0 0 (one class; instead of a soft limit there is write-timeout)", FormatSize(lo), FormatSize(hi))
	k.set = func(c *Config, text string) bool {
		f := strings.Fields(strings.ToLower(text))
		switch {
		case len(f) == 1:
			return plain(c, f[0])
		case len(f) == 4 && f[0] == "normal" && f[2] == "0" && f[3] == "0":
			return plain(c, f[1])
		}
		return false
	}
	k.get = func(c *Config) string { return "normal " + FormatSize(*field(c)) + " 0 0" }
	k.redis = func(c *Config) string { return "normal " + bytes(c) + " 0 0" }
	return k
}
