package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// record is a row of the table in the documentation: what the last full run found.
type record struct {
	name, breaks, invariant string
	seeds                   int // needed, the one that found it included
}

const (
	tableHead = "| mutant | what it breaks | caught by | seeds |\n|---|---|---|---|\n"
	tableRow  = "| `%s` | %s | %s | %d |\n"
)

// readTable returns the rows of the table in a document.
func readTable(file string) ([]record, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read table: %w", err)
	}
	_, _, rows, err := cutTable(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var all []record
	for line := range strings.Lines(rows) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 4 {
			return nil, fmt.Errorf("%s: not a row of the table: %q", file, line)
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		seeds, err := strconv.Atoi(cells[3])
		if err != nil {
			return nil, fmt.Errorf("%s: %q: %w", file, line, err)
		}
		all = append(all, record{name: strings.Trim(cells[0], "`"), breaks: cells[1], invariant: cells[2], seeds: seeds})
	}
	return all, nil
}

// cutTable parts a document into what is before the rows of the table, after them, and the rows.
func cutTable(text string) (before, after, rows string, err error) {
	i := strings.Index(text, tableHead)
	if i < 0 {
		return "", "", "", fmt.Errorf("there is no table that begins %q", tableHead)
	}
	before, rest := text[:i+len(tableHead)], text[i+len(tableHead):]
	end := 0
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		end += len(line)
	}
	return before, rest[end:], rest[:end], nil
}

// writeTable puts rows in the place of those that a document has.
func writeTable(file string, rows []record) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	before, after, _, err := cutTable(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, tableRow, r.name, r.breaks, r.invariant, r.seeds)
	}
	if err := os.WriteFile(file, []byte(before+b.String()+after), 0o644); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// soonest returns the names of the n mutants that need the fewest seeds.
func soonest(rows []record, n int) (names []string, seeds int) {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b record) int { return cmp.Or(cmp.Compare(a.seeds, b.seeds), strings.Compare(a.name, b.name)) })
	for _, r := range rows[:min(n, len(rows))] {
		names, seeds = append(names, r.name), max(seeds, r.seeds)
	}
	return names, seeds
}
