package lint

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"
)

// words finds text that must not be in the repository.
func (r Rules) words(f source) (found []Finding) {
	for _, w := range r.Words {
		pattern := regexp.MustCompile(w.Pattern)
		if !pattern.Match(f.text) {
			continue
		}
		for i, line := range bytes.Split(f.text, []byte("\n")) {
			if hit := pattern.Find(line); hit != nil {
				found = append(found, Finding{File: f.name, Line: i + 1, Rule: "words", Text: `"` + strings.TrimSpace(string(hit)) + `" ` + w.Why})
			}
		}
	}
	return found
}

// length finds files that are too long to read in one go.
func (r Rules) length(f source) []Finding {
	if n := bytes.Count(f.text, []byte("\n")); !f.isTest() && !f.generated() && n > r.MaxLines {
		return []Finding{f.at(f.ast.FileEnd, "length", "%d lines, at most %d: split it by what it does", n, r.MaxLines)}
	}
	return nil
}

// packageDocs finds packages without a doc.go that says what they are. A
// command may say it in main.go.
func packageDocs(files []source) (found []Finding) {
	documented, name := map[string]bool{}, map[string]string{}
	var dirs []string
	for _, f := range files {
		if !f.isGo() || f.isTest() {
			continue
		}
		dir := f.dir()
		if _, seen := name[dir]; !seen {
			dirs = append(dirs, dir)
		}
		name[dir] = f.ast.Name.Name
		home := path.Base(f.name) == "doc.go" || (f.ast.Name.Name == "main" && path.Base(f.name) == "main.go")
		if home && f.ast.Doc != nil && !strings.HasPrefix(f.ast.Doc.Text(), "//go:") {
			documented[dir] = true
		}
	}
	for _, dir := range dirs {
		if !documented[dir] {
			found = append(found, Finding{File: dir, Rule: "doc", Text: "package " + name[dir] + " has no doc.go with a package comment"})
		}
	}
	return found
}

// links finds Markdown links inside the repository that lead nowhere.
func links(files []source) (found []Finding) {
	exists := map[string]bool{".": true}
	anchors := map[string][]string{}
	for _, f := range files {
		for p := f.name; p != "."; p = path.Dir(p) {
			exists[p] = true
		}
		if strings.HasSuffix(f.name, ".md") {
			anchors[f.name] = headings(f.text)
		}
	}
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, f := range files {
		if !strings.HasSuffix(f.name, ".md") {
			continue
		}
		for i, line := range prose(f.text) {
			for _, m := range link.FindAllStringSubmatch(line, -1) {
				if text := broken(f, m[1], exists, anchors); text != "" {
					found = append(found, Finding{File: f.name, Line: i + 1, Rule: "links", Text: m[1] + ": " + text})
				}
			}
		}
	}
	return found
}

func broken(f source, target string, exists map[string]bool, anchors map[string][]string) string {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return ""
	}
	file, anchor, _ := strings.Cut(target, "#")
	to := f.name
	if file != "" {
		to = path.Join(f.dir(), file)
	}
	if !exists[to] {
		return "there is no " + to
	}
	if anchor != "" && strings.HasSuffix(to, ".md") && !slices.Contains(anchors[to], anchor) {
		return to + " has no heading #" + anchor
	}
	return ""
}

// prose returns the lines of a Markdown text, with code blanked.
func prose(text []byte) []string {
	lines := strings.Split(string(text), "\n")
	code := regexp.MustCompile("`[^`]*`")
	fenced := false
	for i, line := range lines {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if fence || fenced {
			lines[i] = ""
		} else {
			// Link targets stay: [`name`](#name).
			lines[i] = code.ReplaceAllString(line, "x")
		}
		if fence {
			fenced = !fenced
		}
	}
	return lines
}

// headings returns the anchors that GitHub makes of a text's headings.
func headings(text []byte) (ids []string) {
	drop := regexp.MustCompile(`[^\p{L}\p{N}_\- ]`)
	fenced := false
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
		}
		title := strings.TrimLeft(line, "#")
		if fenced || title == line || !strings.HasPrefix(title, " ") {
			continue
		}
		id := strings.ReplaceAll(drop.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-")
		ids = append(ids, id)
	}
	return ids
}
