package resp

//go:generate go run ./internal/tablegen -server redis-server -out .
