package object

// AppendCanonical appends what two replicas that hold the same in this row have in common, and nothing for a row that holds
// nothing that is sent: what hash trees are made of. It depends on the row's own bytes alone, so that the hash of a stored row can
// be made again at any time: what a clear in another row covers is in it. Local fields are not, nor what the row's own clear
// covers, nor the bytes of values, for equal stamps mean equal bytes; those of siblings are. The row of a database is such a row too.
func (r *KeyRow) AppendCanonical(dst []byte) []byte {
	if r.IsZero() {
		return dst
	}
	w := r.Wire()
	w.dropCovered(w.Cleared)
	return w.appendFields(dst, w.flags())
}

// AppendCanonical is KeyRow's for an element.
func (e *ElementRow) AppendCanonical(dst []byte) []byte {
	if e.IsZero() {
		return dst
	}
	f := e.flags()
	dst = append(dst, RowFormat, byte(rowKindElement), byte(f>>8), byte(f))
	dst = appendStamp(dst, e.Stamp)
	if f&elementReplaced != 0 {
		dst = appendStamp(dst, e.Replaced)
	}
	return dst
}
