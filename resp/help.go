package resp

import "strings"

// Help is the reply to the HELP subcommand of a container: its subcommands that
// are served, each with its arguments and summary, in the layout of Redis.
func (c *Command) Help() Value {
	name := strings.ToUpper(c.Name)
	lines := []Value{Simple(name + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")}
	for _, s := range c.Subcommands {
		if s.Refused != "" || strings.HasSuffix(s.Name, "|help") {
			continue
		}
		head := strings.ToUpper(s.Name[len(c.Name)+1:])
		if args := syntaxOf(s.Docs.Args, " "); args != "" {
			head += " " + args
		}
		lines = append(lines, Simple(head), Simple("    "+strings.TrimSuffix(s.Docs.Summary, ".")+"."))
	}
	return Array(append(lines, Simple("HELP"), Simple("    Print this help."))...)
}

// Syntax is the command's arguments as its page of the command reference
// writes them, with the name in front.
func (c *Command) Syntax() string {
	words := strings.ToUpper(strings.ReplaceAll(c.Name, "|", " "))
	if args := syntaxOf(c.Docs.Args, " "); args != "" {
		words += " " + args
	}
	return words
}

func syntaxOf(args []Arg, between string) string {
	parts := make([]string, len(args))
	for i := range args {
		parts[i] = args[i].syntax()
	}
	return strings.Join(parts, between)
}

func (a *Arg) syntax() string {
	var inner string
	optional, multiple, everyToken := a.marks()
	switch a.Type {
	case "pure-token":
		inner = a.Token
	case "oneof":
		inner = a.withToken(syntaxOf(a.Args, "|"), !optional)
	case "block":
		inner = a.withToken(syntaxOf(a.Args, " "), false)
	default:
		inner = a.withToken("<"+a.Name+">", false)
	}
	if multiple {
		again := inner
		if a.Token != "" && !everyToken {
			again = strings.TrimPrefix(inner, a.Token+" ")
		}
		inner += " [" + again + " ...]"
	}
	if optional {
		return "[" + inner + "]"
	}
	return inner
}

func (a *Arg) withToken(s string, bracket bool) string {
	if bracket || a.Type == "oneof" && a.Token != "" {
		s = "(" + s + ")"
	}
	if a.Token != "" {
		return a.Token + " " + s
	}
	return s
}

func (a *Arg) marks() (optional, multiple, everyToken bool) {
	for _, f := range a.Flags {
		switch f {
		case "optional":
			optional = true
		case "multiple":
			multiple = true
		case "multiple_token":
			everyToken = true
		}
	}
	return optional, multiple, everyToken
}
