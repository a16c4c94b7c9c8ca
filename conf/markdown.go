package conf

import (
	"fmt"
	"strings"
)

const markdownHead = `# Configuration

<!-- Generated from the table of settings by "make docs". Do not edit. -->

Every setting has one name. It is set, first found first, by

1. the flag: ` + "`rondo server --cache.rows 1gb`" + `
2. the environment variable: ` + "`RONDO_CACHE_ROWS=1gb`" + ` (upper case, dots and dashes become underscores)
3. the YAML file that ` + "`--config`" + ` or ` + "`RONDO_CONFIG`" + ` names: ` + "`cache.rows: 1gb`" + `, or ` + "`rows: 1gb`" + ` under ` + "`cache:`" + `
4. its default.

` + "`rondo config check`" + ` says whether the settings are good and ` + "`rondo config print`" + ` shows all of them, with what
` + "`auto`" + ` comes to on this machine and where each value came from; both take the flags of ` + "`rondo server`" + `.
A name that does not exist or a value that cannot be is refused, in all three places, with the name, what was
expected and what may have been meant. (Variables that Kubernetes makes for a Service named rondo are passed over.)

**Sizes** are written as in Redis: ` + "`kb` `mb` `gb`" + ` count in 1024s, ` + "`k` `m` `g`" + ` in thousands, a bare number is bytes;
` + "`KiB` `MiB` `GiB`" + ` are understood too. **Durations** are ` + "`800ms`, `5s`, `2m`" + `; where a unit is named below, a bare number
counts in it. **Yes or no** may also be ` + "`true`, `false`, `on`, `off`" + `.
A setting marked *live* can be changed while the node runs: ` + "`CONFIG SET`" + ` knows it by its name and, where there is
one, by Redis's name. ` + "`CONFIG REWRITE`" + ` writes such changes back to the file.

## All settings

| name | default | live | Redis name |
|---|---|---|---|
`

// Markdown returns docs/configuration.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString(markdownHead)
	for _, s := range Settings() {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s | %s |\n", s.Name, anchor(s.Name), orDash(s.Default()), live(s), redisName(s))
	}
	group := ""
	for _, s := range Settings() {
		if s.Group != group {
			group = s.Group
			fmt.Fprintf(&b, "\n## %s\n", group)
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n", s.Name, s.Doc)
		fmt.Fprintf(&b, "- value: %s\n", s.Expects)
		if s.Unit != "" {
			fmt.Fprintf(&b, "- a bare number counts: %s\n", s.Unit)
		}
		fmt.Fprintf(&b, "- default: %s\n", orDash(s.Default()))
		fmt.Fprintf(&b, "- flag `--%s`, variable `%s`\n", s.Name, s.Env())
		if s.Runtime || s.Redis != "" {
			fmt.Fprintf(&b, "- while the node runs: %s\n", configCommand(s))
		}
	}
	return b.String()
}

// anchor is the id that GitHub gives a heading: lower case, dots gone.
func anchor(name string) string { return strings.ReplaceAll(name, ".", "") }

func orDash(text string) string {
	if text == "" {
		return "not set"
	}
	return "`" + text + "`"
}

func live(s Setting) string {
	if s.Runtime {
		return "live"
	}
	return ""
}

func redisName(s Setting) string {
	if s.Redis == "" {
		return ""
	}
	return "`" + s.Redis + "`"
}

func configCommand(s Setting) string {
	name := s.Redis
	if name == "" {
		name = s.Name
	}
	if s.Runtime {
		return "`CONFIG GET " + name + "`, `CONFIG SET " + name + "`"
	}
	return "`CONFIG GET " + name + "`; a change needs a restart"
}
