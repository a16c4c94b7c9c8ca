package server

import "bytes"

// Inline commands: a line of words instead of an array, for people with telnet.

// cutLine takes the line at the front of b, which is no array or an array without elements. It returns the words, nil for
// a line that says nothing, and how many bytes went; used is 0 when the line has not ended. ok is false when its quotes do
// not balance.
func cutLine(b []byte) (words [][]byte, used int, ok bool) {
	if b[0] == '*' {
		_, w, _ := header(b)
		return nil, w, true
	}
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		return nil, 0, true
	}
	line := b[:end]
	if end > 0 && line[end-1] == '\r' {
		line = line[:end-1]
	}
	words, ok = splitWords(line)
	return words, end + 1, ok
}

// splitWords divides a line as Redis does (sdssplitargs): words are divided by white space; in double quotes \n \r \t \b
// \a \xhh and a backslash before anything else are escapes, in single quotes only \'. A closing quote must be followed
// by white space or the end. A NUL ends the line.
func splitWords(line []byte) (words [][]byte, ok bool) {
	if i := bytes.IndexByte(line, 0); i >= 0 {
		line = line[:i]
	}
	for {
		for len(line) > 0 && isSpace(line[0]) {
			line = line[1:]
		}
		if len(line) == 0 {
			return words, true
		}
		var word []byte
		if word, line, ok = cutWord(line); !ok {
			return nil, false
		}
		words = append(words, word)
	}
}

func cutWord(line []byte) (word, rest []byte, ok bool) {
	word = []byte{}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case ' ', '\n', '\r', '\t':
			return word, line[i:], true
		case '"', '\'':
			var n int
			if c == '"' {
				word, n = unquoteDouble(word, line[i+1:])
			} else {
				word, n = unquoteSingle(word, line[i+1:])
			}
			i += n + 1
			if n < 0 || i < len(line) && !isSpace(line[i]) {
				return nil, nil, false
			}
			return word, line[i:], true
		default:
			word = append(word, c)
		}
	}
	return word, nil, true
}

// unquoteDouble appends what is before the closing quote of b and tells how many bytes went with the quote, negative when
// there is none.
func unquoteDouble(word, b []byte) ([]byte, int) {
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c == '"':
			return word, i + 1
		case c == '\\' && i+3 < len(b) && b[i+1] == 'x' && isHex(b[i+2]) && isHex(b[i+3]):
			word = append(word, unhex(b[i+2])<<4|unhex(b[i+3]))
			i += 3
		case c == '\\' && i+1 < len(b):
			i++
			word = append(word, unescape(b[i]))
		default:
			word = append(word, c)
		}
	}
	return word, -2
}

func unquoteSingle(word, b []byte) ([]byte, int) {
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c == '\'':
			return word, i + 1
		case c == '\\' && i+1 < len(b) && b[i+1] == '\'':
			i++
			word = append(word, '\'')
		default:
			word = append(word, c)
		}
	}
	return word, -2
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
