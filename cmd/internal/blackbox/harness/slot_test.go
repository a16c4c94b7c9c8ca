package harness

import "testing"

func TestSlotOf(t *testing.T) {
	for key, slot := range map[string]int{"": 0, "123456789": 12739, "foo": 12182, "{foo}bar": 12182, "x{foo}{bar}": 12182, "{}foo": 9500, "{foo": 13308} {
		if got := SlotOf(key); got != slot {
			t.Errorf("SlotOf(%q) = %d, want %d", key, got, slot)
		}
	}
}
