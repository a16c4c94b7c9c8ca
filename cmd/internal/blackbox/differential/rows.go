package differential

import "slices"

// subcommandsOf is the place of the subcommands' rows in a row of COMMAND, its
// last.
const subcommandsOf = 9

// rowsAgree compares two lists of rows of COMMAND by what both have: their
// sets are in no order, and a row is missing where a server lacks the command.
func rowsAgree(a, b Reply) bool {
	if a.Mark != b.Mark {
		return false
	}
	theirs := map[string]Reply{}
	for _, row := range b.Elems {
		if len(row.Elems) > subcommandsOf {
			theirs[row.Elems[0].Text] = row
		}
	}
	for _, row := range a.Elems {
		if len(row.Elems) <= subcommandsOf {
			continue
		}
		if other, both := theirs[row.Elems[0].Text]; both && !rowAgrees(row, other) {
			return false
		}
	}
	return true
}

func rowAgrees(a, b Reply) bool {
	if len(a.Elems) != len(b.Elems) || !rowsAgree(a.Elems[subcommandsOf], b.Elems[subcommandsOf]) {
		return false
	}
	a.Elems, b.Elems = slices.Clone(a.Elems[:subcommandsOf]), slices.Clone(b.Elems[:subcommandsOf])
	return unordered(a) == unordered(b)
}
