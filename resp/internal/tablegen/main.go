// Command tablegen prints the table of commands of package resp from what a
// running redis-server says in COMMAND INFO and COMMAND DOCS.
//
//	tablegen -server redis-server -out dir     starts a server of its own
//	tablegen -addr 127.0.0.1:6379 -out dir     asks one that runs
//
// Run twice, it prints the same bytes. It refuses a server of another version
// than the one that Rondo speaks like.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// wantVersion is the Redis version whose facts the table holds.
const wantVersion = "7.0.15"

func main() {
	addr := flag.String("addr", "", "host:port of a running redis-server")
	server := flag.String("server", "redis-server", "program to start when -addr is not given")
	out := flag.String("out", ".", "directory for the generated files")
	flag.Parse()
	if err := run(*addr, *server, *out); err != nil {
		fmt.Fprintln(os.Stderr, "tablegen:", err)
		os.Exit(1)
	}
}

func run(addr, server, out string) error {
	c, stop, err := connect(addr, server)
	if err != nil {
		return err
	}
	defer stop()
	info, err := c.do("INFO", "server")
	if err != nil {
		return err
	}
	if !strings.Contains(info.Str, "redis_version:"+wantVersion+"\r\n") {
		return fmt.Errorf("the server is not Redis %s", wantVersion)
	}
	cmds, err := load(c)
	if err != nil {
		return err
	}
	if err := write(filepath.Join(out, "table_gen.go"), printTable(cmds)); err != nil {
		return err
	}
	return write(filepath.Join(out, "docs_gen.go"), printDocs(cmds))
}
