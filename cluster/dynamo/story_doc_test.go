package dynamo

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestConsistencyPage checks that every story that the page names is there, and that the page names every schedule: a "does not"
// without a test, or a test that no reader learns of, is half of the matter.
func TestConsistencyPage(t *testing.T) {
	page, err := os.ReadFile(filepath.FromSlash("../../docs/consistency.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("`(schedules|stories)/([a-z0-9-]+)`").FindAllStringSubmatch(string(page), -1) {
		file := "testdata/stories/" + m[2] + ".txt"
		if m[1] == "schedules" {
			file = "testdata/stories/schedules/" + m[2] + ".txt"
		}
		named[file] = true
		if _, err := os.Stat(file); err != nil {
			t.Errorf("the page names %s, which is not there", file)
		}
	}
	schedules := 0
	for _, file := range storyFiles(t) {
		if !strings.HasPrefix(file, "testdata/stories/schedules/") {
			continue
		}
		schedules++
		if !named[file] {
			t.Errorf("the page does not name %s", file)
		}
	}
	if schedules == 0 {
		t.Error("no schedules")
	}
}
