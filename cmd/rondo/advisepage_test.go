package main

import (
	"testing"

	"github.com/rondokv/rondo/cmd/internal/advise"
	"github.com/rondokv/rondo/cmd/internal/usage"
)

func TestMetersRememberEnough(t *testing.T) {
	if usage.Window.Milliseconds() < advise.ShrinkWindow {
		t.Error("a meter never remembers enough to let a node go")
	}
}
