// Package conf holds every setting of a Rondo node: its name, its type, its
// default, where its value came from and whether it may change at run time.
//
// One table (table.go) is the only place where a setting is described. From it
// come the command-line flags, the RONDO_ variables, the keys of the YAML file,
// `rondo config print`, CONFIG GET and CONFIG SET, and docs/configuration.md.
//
//	         name           cache.rows
//	         flag         --cache.rows
//	         variable RONDO_CACHE_ROWS
//	         YAML           cache.rows: 1gb     or     cache: {rows: 1gb}
//
//	flag  >  variable  >  file  >  default
//	  \________ \_________ \________ \_____ Load -> Config (as written, "auto" kept)
//	                                           |
//	                    Resolve(Machine) ------+---> Config (no "auto" left, every address whole)
//
// Invariants:
//   - A value that Load accepts passes Validate, and the text that Setting.Get
//     gives for it reads back as the same value.
//   - An unknown key, flag or variable is an error that names it and, where one
//     is close, the setting that may have been meant. All errors of one start
//     are reported together.
//   - Config is plain data: copying it copies all of it.
//
// viper and YAML never leave this package, and it imports nothing else of
// Rondo. It is not a registry: nobody reads settings from a global.
package conf
