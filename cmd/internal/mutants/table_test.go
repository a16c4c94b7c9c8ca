package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

func TestTable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mutants.md")
	write(t, file, "# Title\n\n"+tableHead+"| `old` | that | I1 acked | 4 |\n\nThe end.\n\n| another | table |\n")
	rows := []record{{"a", "this", "I9 fresh", 12}, {"b", "that", "panic", 3}, {"c", "it", "I7 unique", 3}}
	if err := writeTable(file, rows); err != nil {
		t.Fatal(err)
	}
	got, err := readTable(file)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, rows) {
		t.Errorf("read back %v", got)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := "# Title\n\n" + tableHead +
		"| `a` | this | I9 fresh | 12 |\n| `b` | that | panic | 3 |\n| `c` | it | I7 unique | 3 |\n\nThe end.\n\n| another | table |\n"
	if string(text) != want {
		t.Errorf("the document is now\n%s", text)
	}
	names, seeds := soonest(rows, 2)
	if !slices.Equal(names, []string{"b", "c"}) || seeds != 3 {
		t.Errorf("the soonest are %q with %d seeds", names, seeds)
	}
}

func TestTableRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no table":      "# Title\n",
		"cells missing": tableHead + "| `a` | this | I1 |\n",
		"no number":     tableHead + "| `a` | this | I1 | many |\n",
	} {
		file := filepath.Join(t.TempDir(), "mutants.md")
		write(t, file, text)
		if _, err := readTable(file); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}
