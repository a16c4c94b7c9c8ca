package main

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestReadCommand(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for text, want := range map[string]string{
		"PING\r\n":                       "PING",
		"SET a b\n":                      "SET",
		"\r\n":                           "",
		"*2\r\n$3\r\nGET\r\n$1\r\nx\r\n": "GET",
		"*2\r\n$3\r\nSET\r\n$100000\r\n" + long + "\r\n": "SET",
		"*0\r\n":                 "",
		"*-1\r\n":                "",
		"*x\r\n":                 "refused",
		"*1\r\n:3\r\n":           "refused",
		"*1\r\n$-1\r\n":          "refused",
		"*1\r\n$99999999999\r\n": "refused",
		"*99999999\r\n":          "refused",
		long:                     "refused",
		"*1\r\n$4\r\nQU":         "refused",
	} {
		r := bufio.NewReaderSize(strings.NewReader(text), 4096)
		got, err := readCommand(r)
		if err != nil {
			got = "refused"
		}
		if got != want {
			t.Errorf("%.40q: %q, %v; want %q", text, got, err, want)
		}
		if _, err := r.ReadByte(); want != "refused" && !errors.Is(err, io.EOF) {
			t.Errorf("%.40q is not read to its end", text)
		}
	}
}
