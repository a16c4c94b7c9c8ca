package clients

import (
	"errors"
	"strings"
	"testing"
)

func TestCells(t *testing.T) {
	refused := errors.New("ERR unknown subcommand: ClientOption.DisableCache must be true")
	crossSlot := errors.New("CROSSSLOT Keys in request don't hash to the same slot")
	group := errors.New("All keys in the pipeline should belong to the same slots allocation group")
	broken := errors.New("ERR broken")
	for _, c := range []struct {
		name   string
		result Result
		step   string
		want   string
	}{
		{"worked", Result{Errors: map[string]error{"get": nil}}, "get", "ok"},
		{"not taken", Result{Errors: map[string]error{}}, "get", "-"},
		{"failed", Result{Errors: map[string]error{"get": broken}}, "get", "FAILED"},
		{"slots on the cluster face", Result{Face: Cluster, Errors: map[string]error{"mget slots": crossSlot}}, "mget slots", "CROSSSLOT"},
		{"slots on the forward face", Result{Face: Forward, Errors: map[string]error{"mget slots": crossSlot}}, "mget slots", "FAILED"},
		{"one slot on the cluster face", Result{Face: Cluster, Errors: map[string]error{"mget": crossSlot}}, "mget", "FAILED"},
		{"finding", Result{Client: "rueidis", Errors: map[string]error{"connect": refused}}, "connect", "needs DisableCache"},
		{"step after a finding", Result{Client: "rueidis", Errors: map[string]error{"connect": refused, "get": errSkipped}}, "get", "-"},
		{"finding of another client", Result{Client: "redigo", Errors: map[string]error{"connect": refused}}, "connect", "FAILED"},
		{"finding with the option set", Result{Client: "rueidis", Options: "DisableCache", Errors: map[string]error{"connect": refused}}, "connect", "FAILED"},
		{"finding of a ring", Result{Client: "ioredis Cluster", Nodes: 3, Errors: map[string]error{"pipeline": group}}, "pipeline", "one node's"},
		{"finding of a ring on one node", Result{Client: "ioredis Cluster", Errors: map[string]error{"pipeline": group}}, "pipeline", "FAILED"},
		{"failure beside a finding", Result{Client: "rueidis", Errors: map[string]error{"connect": nil, "get": broken}}, "get", "FAILED"},
	} {
		if got := c.result.cell(c.step); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTableShowsFailures(t *testing.T) {
	text := Table([]Result{{Client: "some", Version: "1.2.3", Face: Forward, Errors: map[string]error{"connect": nil, "get": errors.New("ERR broken")}}})
	for _, part := range []string{"| some | 1.2.3 | forward | none | ok | - | FAILED |", "some on the forward face, get: FAILED: ERR broken"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in\n%s", part, text)
		}
	}
}

func TestUndocumented(t *testing.T) {
	results := []Result{
		{Client: "some", Version: "1.2.3", Face: Forward, Errors: map[string]error{"connect": nil}},
		{Client: "other", Version: "1.0.0", Face: Cluster, Errors: map[string]error{"connect": errors.New("ERR broken")}},
		{Client: "absent", Face: Cluster, Skipped: "not installed"},
	}
	text := strings.ReplaceAll(Table(results), "1.2.3", "4.5.6")
	if got := Undocumented(results, text); len(got) != 0 {
		t.Errorf("another version is said to be missing: %q", got)
	}
	results[0].Errors["get"] = nil
	if got := Undocumented(results, text); len(got) != 1 || !strings.Contains(got[0], "some") {
		t.Errorf("a changed row was not found: %q", got)
	}
}
