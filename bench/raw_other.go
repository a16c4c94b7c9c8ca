//go:build !linux

package bench

import "context"

// rawClient exists on Linux only.
type rawClient struct{}

func dialRaw([]string, int) (*rawClient, error) { return nil, errNeedsLinux }

func (c *rawClient) close() {}

func (c *rawClient) run(context.Context, rawLoad) (rawResult, error) {
	return rawResult{}, errNeedsLinux
}
