// Package bigdata fills a node with more than its caches and the memory of
// many machines hold, and measures what that is like: 4 GB in values of 1 KB
// that do not compress, with 256 MB of caches.
//
// It prints a line for each figure, with the bound that it should keep. Bounds
// on memory and on what is there fail the test. Bounds on times are printed as
// kept or not: they belong to the machine as well, and a test that fails when
// a neighbour is busy is soon not looked at.
//
//	BIGDATA_GB         gigabytes of values (4; 0.03 with -short)
//	BIGDATA_SECONDS    of reading at 2,000 requests a second (60; 3 with -short)
//	BIGDATA_PROFILES   a directory for CPU and heap profiles; none without
package bigdata
