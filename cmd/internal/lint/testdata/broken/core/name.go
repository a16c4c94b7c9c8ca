package core

// Name is a constant.
const Name = "core"
