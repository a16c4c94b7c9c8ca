package resp

// Match tells whether s matches a pattern of KEYS, SCAN MATCH or CONFIG GET:
// '*' any bytes, '?' one byte, [abc] [^a-z] one of or none of a class, '\' takes
// the next byte as it is.
//
// It gives Redis's verdict in the odd cases too. A class that does not end
// takes what it has; "[a-" and the byte after it is a range to that byte, even
// to ']'; a reversed range is turned round; range bounds compare as signed
// bytes; an escape within a class ignores nocase; and nothing but the empty
// pattern matches the empty string, not even "*", which is why KEYS and SCAN
// take a lone "*" as everything without asking.
//
// The time is at most len(pattern) * len(s): a failure goes back to the last
// star only.
func Match(pattern, s []byte, nocase bool) bool {
	if len(s) == 0 {
		return len(pattern) == 0
	}
	p, i := 0, 0
	star, resume := -1, 0 // pattern after the last '*', where in s to try it next
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			for p < len(pattern) && pattern[p] == '*' {
				p++
			}
			if p == len(pattern) {
				return true
			}
			star, resume = p, i
			continue
		}
		if p < len(pattern) {
			if next, ok := matchByte(pattern, p, s[i], nocase); ok {
				p = next
				i++
				continue
			}
		}
		if star < 0 {
			return false
		}
		resume++
		p, i = star, resume
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchByte matches c with the element at pattern[p] that is not a star, and
// tells where the next element begins.
func matchByte(pattern []byte, p int, c byte, nocase bool) (next int, ok bool) {
	switch pattern[p] {
	case '?':
		return p + 1, true
	case '[':
		return matchClass(pattern, p+1, c, nocase)
	case '\\':
		if p+1 < len(pattern) {
			p++
		}
	}
	return p + 1, sameByte(pattern[p], c, nocase)
}

func sameByte(a, b byte, nocase bool) bool {
	return a == b || nocase && lower(a) == lower(b)
}

// matchClass matches c with the class whose inside begins at pattern[p].
func matchClass(pattern []byte, p int, c byte, nocase bool) (next int, ok bool) {
	not := p < len(pattern) && pattern[p] == '^'
	if not {
		p++
	}
	found := false
	for ; p < len(pattern); p++ {
		left := len(pattern) - p
		switch {
		case left >= 2 && pattern[p] == '\\':
			p++
			found = found || pattern[p] == c
		case pattern[p] == ']':
			return p + 1, found != not
		case left >= 3 && pattern[p+1] == '-':
			found = found || inRange(pattern[p], pattern[p+2], c, nocase)
			p += 2
		default:
			found = found || sameByte(pattern[p], c, nocase)
		}
	}
	return p, found != not
}

// inRange compares as signed bytes, as the C compiler of Redis on x86 does.
func inRange(start, end, c byte, nocase bool) bool {
	lo, hi := int8(start), int8(end)
	if lo > hi {
		lo, hi = hi, lo
	}
	at := int8(c)
	if nocase {
		lo, hi, at = lowerSigned(lo), lowerSigned(hi), lowerSigned(at)
	}
	return lo <= at && at <= hi
}

func lowerSigned(c int8) int8 { return int8(lower(byte(c))) }
