package main

import "strings"

// served are the commands whose facts the table takes from Redis, those that
// are refused by name among them.
var served = strings.Fields(`
	append decr decrby get getdel getex getrange getset incr incrby incrbyfloat
	mget mset msetnx psetex set setex setnx setrange strlen substr

	copy dbsize del exists expire expireat expiretime flushall flushdb keys move
	object persist pexpire pexpireat pexpiretime pttl randomkey rename renamenx
	scan swapdb touch ttl type unlink

	discard exec multi unwatch watch

	acl asking auth client cluster command config debug echo hello info lastsave
	latency memory module monitor ping quit readonly readwrite reset role select
	shutdown slowlog time wait

	bgrewriteaof bgsave failover psync replicaof save slaveof sync
`)

// unknown are subcommands that Rondo does not know, so that clients get the
// reply by which they recognise a server without them.
var unknown = strings.Fields(`
	client|caching client|getredir client|tracking client|trackinginfo
`)
