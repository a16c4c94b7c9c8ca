// Package differential sends the same commands to a redis-server and to Rondo
// and looks for replies that differ.
//
// Two pairs are compared: the forward face with a plain redis-server, and the
// cluster face with a redis-server that is a cluster of one.
//
//	Script --Generator--> epochs of steps --Pair.Run--> both servers
//	                                          |
//	                    replies: equal | excused by a Reason | a Difference
//	                                                               |
//	                                             Shrink: the shortest script that shows it
//
// An epoch begins with empty databases and new connections, so that a script
// of one epoch is all that a difference depends on. A seed and an epoch's
// number make the same script every time.
//
// Replies are compared as bytes. Bytes that differ must be excused by exactly
// the reasons of reasons.go: each has a name, a text for people, and is counted
// and printed. Some reasons are about replies that no two servers could give
// alike (the order of KEYS, the milliseconds of PTTL); they still compare what
// can be compared.
package differential
