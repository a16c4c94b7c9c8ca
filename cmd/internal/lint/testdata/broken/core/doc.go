// Package core is meant to be pure and is not.
package core

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"example.com/broken/edge/inner"
)

func clock() int64 { return time.Now().Unix() }

func spin(c chan int) {
	go clock()
	c <- rand.IntN(3)
	<-c
}

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func wait(ctx context.Context, n *atomic.Int64) { n.Add(inner.Three) }
