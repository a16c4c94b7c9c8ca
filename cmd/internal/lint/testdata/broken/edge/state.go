package edge

import (
	"errors"
	"regexp"
	"sync"

	"example.com/broken/core"
	"example.com/broken/edge/inner"
)

var (
	ErrFine = errors.New("fine")
	pattern = regexp.MustCompile("fine")
	table   = map[string]int{"fine": 1}
	rows    = [...]int{1, 2}

	count   int
	cache   = map[string]int{}
	pool    sync.Pool
	list    []int
	shared  = counter{}
	records = []counter{{1}, {2}} // reading a row in place is fine
	pointed int
	target  = 7
	points  = &target // a table that points into another is fine

	//lint:global the test shows that an excuse with a reason holds
	excused int
)

type counter struct{ n int }

func (c *counter) add() { c.n++ }

func init() { count++ }

func use(s string) *int {
	cache[s] = table[s] + rows[0]
	list = append(list, 1)
	shared.add()
	if row := &records[0]; row.n > 1 {
		return nil
	}
	excused = 2
	inner.Changed = 4
	if pattern.MatchString(s) {
		return nil
	}
	return &pointed
}

var _ = core.Name
