package lint

// Rondo returns the rules of this repository. A new package gets a line in
// Imports, a new dependency one in External; both are decisions.
func Rondo() Rules {
	return Rules{
		Module: "github.com/rondokv/rondo",
		Top: []string{
			"server", "resp", "cluster", "engine", "bench", "conf", "cmd", "docs", "go.mod", "go.sum",
			"Makefile", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE",
		},
		Imports: map[string][]string{
			"conf":          {},
			"resp":          {},
			"engine/object": {},
			"bench":         {},

			"engine":            {"engine/object", "engine/rowcache"},
			"engine/rowcache":   {},
			"engine/memstore":   {"engine/object"},
			"engine/enginetest": {"engine/object", "engine/memstore"},

			"cluster/hlc":    {"engine/object"},
			"cluster/ring":   {},
			"cluster/quorum": {},
			"cluster/merkle": {},
			"cluster/paxos":  {},
			"cluster/wire":   {"engine/object"},
			"cluster/epoch":  {"cluster/ring", "cluster/paxos"},
			"cluster/dynamo": {"cluster/ring", "cluster/quorum", "cluster/merkle", "cluster/wire", "engine/object"},
			"cluster/gossip": {"engine/object"},
			"cluster/peer":   {"cluster/wire", "engine/object"},
			"cluster/sim":    {"cluster/dynamo", "cluster/epoch", "cluster/paxos", "cluster/hlc", "cluster/ring", "cluster/quorum", "cluster/wire", "engine/object", "engine/memstore"},
			"cluster": {
				"cluster/dynamo", "cluster/epoch", "cluster/hlc", "cluster/ring", "cluster/quorum", "cluster/wire",
				"engine/object",
			},

			"server/command": {"resp", "engine/object"},
			"server":         {"server/command", "cluster", "resp", "engine/object"},

			"resp/internal/tablegen":    {"resp"},
			"cmd/rondo":                 {"server", "server/command", "bench", "conf", "engine", "engine/object", "cluster", "cluster/...", "resp", "cmd/internal/advise", "cmd/internal/usage"},
			"cmd/internal/advise":       {"cluster", "engine/object"},
			"cmd/internal/usage":        {"cluster", "engine"},
			"cmd/internal/hotpath":      {"cluster", "engine", "engine/object", "server/command"},
			"cmd/internal/lint":         {},
			"cmd/internal/testcount":    {},
			"cmd/internal/sim":          {"cluster/sim"},
			"cmd/internal/mutants":      {},
			"cmd/internal/blackbox/...": {"cmd/internal/blackbox/...", "bench", "conf", "engine/...", "cluster", "server", "resp"},
		},
		External: map[string][]string{
			"github.com/tidwall/redcon":           {"server"},
			"github.com/tidwall/btree":            {"engine/memstore"},
			"github.com/cockroachdb/pebble":       {"engine", "cmd/internal/blackbox/..."},
			"github.com/hashicorp/memberlist":     {"cluster/gossip"},
			"github.com/spf13/viper":              {"conf"},
			"github.com/spf13/pflag":              {"conf"},
			"go.yaml.in/yaml":                     {"conf"},
			"github.com/spf13/cobra":              {"cmd/rondo"},
			"github.com/redis/go-redis":           {"bench", "cmd/internal/blackbox/..."},
			"github.com/redis/rueidis":            {"cmd/internal/blackbox/..."},
			"github.com/gomodule/redigo":          {"cmd/internal/blackbox/..."},
			"github.com/HdrHistogram":             {"bench", "cmd/internal/blackbox/..."},
			"github.com/maypok86/otter":           {"engine/rowcache", "engine"},
			"github.com/prometheus/client_golang": {"server", "cmd/rondo"},
			"github.com/prometheus/client_model":  {"server"},
			"github.com/dchest/siphash":           {"engine/object", "cluster/merkle"},
			"github.com/klauspost/compress":       {"cluster/wire"},
			"pgregory.net/rapid":                  {"engine/enginetest"},
			"golang.org/x/sys":                    {"bench", "conf", "engine", "engine/rowcache", "server", "cmd/..."},
		},
		Pure: []string{
			"engine/object", "resp", "server/command", "cluster/dynamo",
			"cluster/ring", "cluster/quorum", "cluster/merkle", "cluster/paxos", "cluster/wire", "cluster/epoch",
		},
		// Written in pieces, so that this file does not contain them.
		Words: []Word{
			{`\.\./` + `shared`, "names a place outside the repository"},
			{`(^|[^A-Za-z0-9.])/` + `work/`, "names a directory of one machine"},
			{`/root` + `/|/tmp/` + `bash_jobs`, "names a directory of one machine"},
			{`(?i)\bissue ` + `#?[0-9]`, "says nothing to a reader without the tracker: tell the fact"},
			{`\bDESIGN` + `(\.md| [0-9]| section)`, "is not in the repository: tell the fact"},
			{`\bSTYLE` + `\.md`, "is not in the repository: tell the fact"},
			{`proxy\.` + `golang\.org|registry\.` + `npmjs|deb\.` + `debian\.org`, "names a registry"},
		},
		MaxLines: 450,
	}
}
