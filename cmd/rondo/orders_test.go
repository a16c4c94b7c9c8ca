package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rondokv/rondo/cluster/epoch"
	"github.com/rondokv/rondo/conf"
)

// theatre is a ring of some nodes to which orders are given, and a node that may join it.
type theatre struct {
	*trio
	founders int
}

// newTheatre starts so many founders; n nodes are laid out, those beyond join when they are started.
func newTheatre(t *testing.T, n, founders int, args ...string) *theatre {
	t.Helper()
	c := &theatre{newTrio(t, n, append([]string{"--rebalance", "manual"}, args...)...), founders}
	var list []string
	for i := range founders {
		list = append(list, c.Nodes[i].Gossip)
	}
	for i := range c.Nodes {
		c.Nodes[i].Command = withoutFlag(c.Nodes[i].Command, "--founders")
		if i < founders {
			c.Nodes[i].Command = append(c.Nodes[i].Command, "--founders", strings.Join(list, ","))
		} else {
			c.Nodes[i].Command = append(c.Nodes[i].Command, "--join", list[0])
		}
	}
	for i := range founders {
		c.start(t, i)
	}
	for i := range founders {
		c.ready(t, i)
	}
	return c
}

// order runs rondo admin at node i.
func (c *theatre) order(t *testing.T, i int, args ...string) (code int, out, errs string) {
	t.Helper()
	return command(t, nil, append(append([]string{"admin"}, args...), "--addr", c.Nodes[i].Admin)...)
}

// obeyed runs an order that must be carried out.
func (c *theatre) obeyed(t *testing.T, i int, args ...string) string {
	t.Helper()
	code, out, errs := c.order(t, i, args...)
	if code != 0 {
		t.Fatalf("%v: %d\n%s%s", args, code, out, errs)
	}
	return out
}

// refused runs an order that must not be, and looks for what it is told.
func (c *theatre) refused(t *testing.T, i int, want string, args ...string) {
	t.Helper()
	if code, out, errs := c.order(t, i, args...); code != 1 || !strings.Contains(errs, want) {
		t.Errorf("%v: %d, %q %q; want %q", args, code, out, errs, want)
	}
}

func (c *theatre) status(t *testing.T, i int) (p ringPage) {
	t.Helper()
	if err := json.Unmarshal([]byte(c.obeyed(t, i, "ring", "status", "--json")), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// await looks at the ring from node i until it is as wanted.
func (c *theatre) await(t *testing.T, i int, what string, until func(*ringPage) bool) (p ringPage) {
	t.Helper()
	eventually(t, func() error {
		if p = c.status(t, i); until(&p) {
			return nil
		}
		return fmt.Errorf("not %s: %+v\n%s", what, p, c.log(t, i))
	})
	return p
}

// of is the line of node j.
func (c *theatre) of(p *ringPage, j int) *ringLine {
	k := slices.IndexFunc(p.Members, func(m ringLine) bool { return m.Client == c.Nodes[j].Clients })
	if k < 0 {
		return nil
	}
	return &p.Members[k]
}

// kill is for good, or until start; node i sees it.
func (c *theatre) kill(t *testing.T, i int, victims ...int) {
	t.Helper()
	for _, v := range victims {
		if err := c.running[v].Process.Kill(); err != nil {
			t.Fatal(err)
		}
		c.end(t, v)
	}
	c.await(t, i, "aware of the dead", func(p *ringPage) bool {
		return !slices.ContainsFunc(victims, func(v int) bool { m := c.of(p, v); return m != nil && m.Alive })
	})
}

func TestOrders(t *testing.T) {
	c := newTheatre(t, 5, 4, "--transfer.rate", "128kb")
	at := func(i int) string { return c.Nodes[i].Clients }
	const nobody = "10.1.2.3:4"
	c.refused(t, 0, `no member of the ring is named "`+nobody+`"`, "node", "remove", nobody)
	c.refused(t, 0, `no member of the ring is named "`+nobody+`"`, "node", "leave", nobody)
	c.refused(t, 0, `no member of the ring is named "`+nobody+`"`, "ring", "plan", "--weight", nobody+"=2")
	c.refused(t, 1, "is alive: it can leave, with its data", "node", "remove", at(3))
	c.refused(t, 0, `no node "`+nobody+`" waits to be admitted`, "node", "replace", at(3), nobody)
	c.refused(t, 0, "was not leaving, and still holds data: use rondo admin node remove, or replace", "node", "forget", at(3))
	c.refused(t, 0, "nothing to do: no node waits to be admitted", "ring", "plan")
	c.refused(t, 0, "nothing is staged", "ring", "commit")
	c.refused(t, 0, "only a plan that is copying can be aborted, it is stable", "ring", "abort")
	c.refused(t, 0, "To go on: --yes", "ring", "recover")
	c.refused(t, 0, "they can still decide", "ring", "recover", "--yes")
	c.refused(t, 0, "invalid argument", "ring", "rebalance", "often")
	if out := c.obeyed(t, 3, "ring", "rebalance", "manual"); !strings.Contains(out, "makes no plans by itself") {
		t.Error(out)
	}

	value := strings.Repeat("v", 2000)
	for k := range 500 {
		if got := say(t, c.Nodes[k%4].Forward, fmt.Sprintf("SET key:%d %s", k, value)); got != "+OK" {
			t.Fatal(got)
		}
	}
	c.start(t, 4)
	c.await(t, 0, "aware of who waits", func(p *ringPage) bool { return len(p.Waiting) == 1 })
	eventually(t, func() error { // the conductor may hear of it a moment later
		if out := c.obeyed(t, 0, "ring", "plan"); !strings.Contains(out, "joins") || !strings.Contains(out, "vnodes move") {
			return fmt.Errorf("%s", out)
		}
		return nil
	})
	c.refused(t, 1, "nothing is staged", "ring", "commit") // it is at the node that was asked
	c.obeyed(t, 0, "ring", "abort")
	c.refused(t, 0, "nothing is staged", "ring", "commit")
	c.obeyed(t, 0, "ring", "plan", "--join", at(4))
	c.obeyed(t, 0, "ring", "commit")
	c.showsProgress(t, 1, 4)
	c.refused(t, 2, "a plan is under way", "node", "leave", at(1))
	out := c.obeyed(t, 3, "ring", "abort", "--watch")
	if p := c.status(t, 3); !p.Cleared || p.Clearing > 0 || p.Stage != "stable" || c.of(&p, 4) != nil || !strings.Contains(out, "the ring is settled; ") ||
		!strings.HasSuffix(out, "the ring is settled, and nothing is left to be cleared\n") {
		t.Errorf("watching ended too early: %+v\n%s", p, out)
	}
	c.await(t, 0, "without the fifth", func(p *ringPage) bool { return p.Stage == "stable" && c.of(p, 4) == nil })
	if code, log := c.end(t, 4); code != 0 {
		t.Errorf("the node that was not admitted after all ended with %d:\n%s", code, log)
	}

	c.kill(t, 0, 3)
	c.obeyed(t, 1, "node", "remove", at(3), "--watch")
	c.await(t, 0, "without the fourth", func(p *ringPage) bool { return p.Stage == "stable" && c.of(p, 3) == nil })
	for k := range 500 {
		if got := say(t, c.Nodes[k%3].Forward, fmt.Sprintf("GET key:%d", k)); got != value {
			t.Fatalf("key %d: %s", k, got)
		}
	}
	c.comesBack(t, 3)
}

// showsProgress looks, in the middle of a join, at what node i tells of it.
func (c *theatre) showsProgress(t *testing.T, i, joiner int) {
	t.Helper()
	c.ready(t, joiner)
	p := c.await(t, i, "copying", func(p *ringPage) bool {
		m := c.of(p, joiner)
		return p.Stage == "copying" && m != nil && m.BytesDone > 0 && m.BytesLeft > 0 && m.PartitionsLeft > 0 && p.Wait != ""
	})
	if p.Moves == 0 || p.Moves != p.Bound || p.Moving == 0 || p.PlanBy == "" || !strings.Contains(p.Wait, c.of(&p, joiner).ID) {
		t.Errorf("%+v", p)
	}
	own := c.await(t, joiner, "estimating", func(p *ringPage) bool { return p.ETA > 0 && p.Rate > 0 })
	if own.Rate > 1<<20 {
		t.Errorf("%.0f bytes a second", own.Rate)
	}
	out := c.obeyed(t, i, "ring", "status")
	for _, want := range []string{"copying", "partitions, ", " MiB copied, about ", c.of(&p, joiner).ID, "a plan by ", " left"} {
		if !strings.Contains(out, want) {
			t.Errorf("ring status does not say %q:\n%s", want, out)
		}
	}
	info := sayAll(t, c.Nodes[joiner].Forward, "INFO ring")
	for _, name := range []string{"ring_stage_name:copying", "ring_moving_partitions:", "moves_partitions_left:", "moves_bytes_done:", "moves_bytes_per_second:", "moves_eta_seconds:"} {
		if !strings.Contains(info, name) || strings.Contains(info, name+"0\r\n") {
			t.Errorf("INFO has no %s, or 0:\n%s", name, info)
		}
	}
	t.Logf("\n%s", out)
}

// comesBack starts a node that was removed while it was dead: it serves nobody, stays until others could have heard what it knows, and
// does the same when it is started again.
func (c *theatre) comesBack(t *testing.T, i int) {
	t.Helper()
	began := time.Now()
	c.start(t, i)
	if code, log := c.end(t, i); code != 0 || !strings.Contains(log, errGone.Error()) || time.Since(began) < partFor {
		t.Errorf("it ended with %d after %v:\n%s", code, time.Since(began), log)
	}
	began = time.Now()
	c.start(t, i)
	eventually(t, func() error {
		for addr, word := range map[string]string{c.Nodes[i].Clients: "-CLUSTERDOWN", c.Nodes[i].Forward: "-CLUSTERDOWN"} {
			if err := expect(say(t, addr, "SET a b"), word+" This node is no member of the ring any more: it has left, or was removed"); err != nil {
				return err
			}
		}
		_, err := askNode(t.Context(), c.Nodes[i].Admin, "/admin/ring")
		return err
	})
	if code, log := c.end(t, i); code != 1 || !strings.Contains(log, "holds a ring that this node, ") || time.Since(began) < partFor {
		t.Errorf("started again it ended with %d after %v:\n%s", code, time.Since(began), log)
	}
}

// Two of five die, with them a majority of some partitions; then one that leaves; then the last but one, which was the voter.
func TestOrdersAmongTheDead(t *testing.T) {
	c := newTheatre(t, 5, 5)
	at := func(i int) string { return c.Nodes[i].Clients }
	for k := range 100 {
		eventually(t, func() error {
			return expect(say(t, c.Nodes[k%5].Forward, fmt.Sprintf("AT ALL SET key:%d v", k)), "+OK")
		})
	}
	c.kill(t, 0, 3, 4)
	lost := []string{"ring", "plan", "--remove", at(3), "--remove", at(4)}
	eventually(t, func() error { // the conductor may hear of the deaths later
		if code, _, errs := c.order(t, 0, lost...); code != 1 || !strings.Contains(errs, "data may be lost: ") || !strings.Contains(errs, "--accept-data-loss") {
			return fmt.Errorf("%d: %s", code, errs)
		}
		return nil
	})
	c.refused(t, 0, "nothing is staged", "ring", "commit")
	c.obeyed(t, 0, append(lost, "--accept-data-loss")...)
	c.obeyed(t, 0, "ring", "commit", "--watch")
	p := c.await(t, 0, "three", func(p *ringPage) bool { return p.Stage == "stable" && len(p.Members) == 3 })

	c.kill(t, 0, 2)
	c.refused(t, 0, "still holds data", "node", "forget", at(2))
	c.obeyed(t, 0, "node", "leave", at(2))
	c.await(t, 0, "leaving", func(p *ringPage) bool { m := c.of(p, 2); return p.Stage == "stable" && m != nil && m.Leaving })
	c.obeyed(t, 1, "node", "forget", at(2), "--watch")
	p = c.await(t, 0, "two", func(p *ringPage) bool { return p.Stage == "stable" && len(p.Members) == 2 })

	voter := slices.IndexFunc(c.Nodes[:2], func(n devNode) bool {
		k := slices.IndexFunc(p.Members, func(m ringLine) bool { return m.Client == n.Clients })
		return len(p.Voters) == 1 && p.Members[k].ID == p.Voters[0]
	})
	if voter < 0 {
		t.Fatalf("%+v", p)
	}
	other := 1 - voter
	c.kill(t, other, voter)
	c.refused(t, other, `no member of the ring is named "`+at(4)+`"`, "ring", "recover", "--yes", "--survivors", at(4))
	c.refused(t, other, "this node is to be a survivor", "ring", "recover", "--yes", "--survivors", at(voter))
	c.obeyed(t, other, "ring", "recover", "--yes", "--watch")
	q := c.await(t, other, "one", func(p *ringPage) bool { return p.Stage == "stable" && len(p.Members) == 1 })
	if q.Cluster == p.Cluster || q.Epoch <= p.Epoch {
		t.Errorf("cluster %s, epoch %d after %s, %d", q.Cluster, q.Epoch, p.Cluster, p.Epoch)
	}
	for k := range 100 {
		if got := say(t, c.Nodes[other].Forward, fmt.Sprintf("GET key:%d", k)); got != "v" {
			t.Errorf("key %d: %s", k, got)
		}
	}
	c.refused(t, other, "the last", "node", "leave")
	if err := c.running[other].Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, log := c.end(t, other); code != 0 {
		t.Errorf("it ended with %d:\n%s", code, log)
	}
}

// Who may give orders: this machine, and who has the password, if there is one. No web page.
func TestWhoMayOrder(t *testing.T) {
	for _, tc := range []struct {
		from, set, given string
		header, may      bool
	}{
		{"127.0.0.1:9", "", "", true, true},
		{"[::1]:9", "secret", "", true, true},
		{"127.0.0.1:9", "", "", false, false},
		{"10.0.0.7:9", "", "", true, false},
		{"10.0.0.7:9", "", "secret", true, false},
		{"10.0.0.7:9", "secret", "", true, false},
		{"10.0.0.7:9", "secret", "other", true, false},
		{"10.0.0.7:9", "secret", "secret", true, true},
		{"10.0.0.7:9", "secret", "secret", false, false},
	} {
		cfg := conf.Default()
		cfg.RequirePass = tc.set
		n := &node{settings: newSettings(cfg, nil)}
		r := httptest.NewRequest(http.MethodPost, "/admin/order", strings.NewReader(`{"action":"abort"}`))
		r.RemoteAddr = tc.from
		if tc.header {
			r.Header.Set(orderHeader, "1")
		}
		if tc.given != "" {
			r.Header.Set("Authorization", "Bearer "+tc.given)
		}
		w := httptest.NewRecorder()
		n.takeOrder(w, r)
		if may := w.Code != http.StatusForbidden; may != tc.may {
			t.Errorf("%+v: %d %s", tc, w.Code, w.Body)
		}
	}
}

func TestRefusalText(t *testing.T) {
	got := refusalText("remove", orderReply{Code: epoch.CodeLoss.String(), Text: "why"})
	if !strings.Contains(got, "data may be lost: why\n") || !strings.Contains(got, "--accept-data-loss") {
		t.Errorf("%q", got)
	}
	// Whatever an order is and however it is refused, people are told what to do next.
	for _, action := range []string{"plan", "commit", "abort", "leave", "remove", "replace", "forget", "recover", "rebalance"} {
		for code := epoch.CodeRefused; code < epoch.CodeElsewhere; code++ {
			if next := nextStep(action, code.String()); !strings.Contains(next, "rondo admin ") && !strings.Contains(next, "--") {
				t.Errorf("%s, %v: %q", action, code, next)
			}
		}
		if text := doneText(order{Action: action}, orderReply{Epoch: 7}); !strings.HasPrefix(text, action+": ") || strings.Contains(text, "it is carried out") && action != "plan" {
			t.Errorf("%s: %q", action, text)
		}
	}
}

// Refusals are told without the names of our packages.
func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"ring: bad change: node abcdef0123456789 is alive: it can leave, with its data": "node abcdef0123456789 is alive: it can leave, with its data",
		"survivors do not answer: abcdef0123456789":                                     "survivors do not answer: abcdef0123456789",
		"ring: the last node cannot go":                                                 "the last node cannot go",
	} {
		if got := words(epoch.Outcome{Code: epoch.CodeRefused, Text: text}); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	if got := words(epoch.Outcome{Code: epoch.CodeLoss, Text: "ring: data may be lost: a majority"}); got != "a majority" {
		t.Errorf("%q", got)
	}
}
