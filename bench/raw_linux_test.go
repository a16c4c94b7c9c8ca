package bench

import "testing"

func TestMovedIsCountedApart(t *testing.T) {
	c := rawClient{}
	for _, reply := range []string{"-MOVED 1 a:1\r\n", "-ERR first\r\n", "-ERR second\r\n"} {
		c.failed([]byte(reply))
	}
	if c.res.errors != 3 || c.res.moved != 1 || c.res.firstText != "-ERR first" {
		t.Errorf("%+v", c.res)
	}
}
