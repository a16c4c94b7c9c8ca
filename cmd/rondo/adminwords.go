package main

import (
	"fmt"
	"strings"

	"github.com/rondokv/rondo/cluster/epoch"
)

// words is why an order was refused, for people: without the names of our packages.
func words(o epoch.Outcome) string {
	text := o.Text
	for _, prefix := range []string{"ring: ", "bad change: ", o.Code.String() + ": ", "not at this stage: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}

// notYet says what to do instead of giving an order to a node that has no ring to change.
func notYet(state string) string {
	switch state {
	case stateAlone:
		return "this node is alone and cannot be joined, so there is no ring to change. Start it with gossip and peer addresses that others reach " +
			"(off loopback with gossip-key and peer-tls, or --insecure): its log says what is missing"
	case "removed":
		return "this node is no member of the ring any more: give the order to a member (--addr)"
	case "waiting to be admitted":
		return "this node waits to be admitted to the ring: give the order to a member (--addr)"
	}
	return "the ring is not formed yet: /readyz of this node says what it waits for"
}

// refusalText is why an order was refused, and what to do next.
func refusalText(action string, r orderReply) string {
	text := r.Code
	if r.Text != "" {
		text += ": " + r.Text
	}
	if next := nextStep(action, r.Code); next != "" {
		text += "\n" + next
	}
	return text
}

// nextStep is what to do after a refusal.
func nextStep(action, code string) string {
	switch code {
	case epoch.CodePlanned.String():
		return "One plan at a time: wait for its end (rondo admin ring status --watch) or, while it is copying, give it up (rondo admin ring abort)"
	case epoch.CodeMoved.String():
		return "What was staged is not what would happen now: look at it again with rondo admin ring plan, then commit"
	case epoch.CodeBusy.String():
		return "Try again in some seconds; rondo admin ring status shows what the other one does"
	case epoch.CodeLoss.String():
		return "If the dead may come back, start them first. To go on all the same, from whoever is left, and lose what only the dead have: --accept-data-loss"
	case epoch.CodeUnknown.String(), epoch.CodeNobody.String():
		return "Look at rondo admin ring status before you repeat it. A majority of the voters must be alive (voters in ring status --json); if that is " +
			"gone for good: rondo admin ring recover"
	case epoch.CodeNothing.String():
		return "Stage something with rondo admin ring plan first, at the same node (--addr): each node keeps what was staged there"
	case epoch.CodeRefused.String():
		return afterRefusal(action)
	}
	return ""
}

// afterRefusal is what helps where an order makes no sense for the ring as it is.
func afterRefusal(action string) string {
	switch action {
	case "remove", "forget":
		return "rondo admin ring status shows who is alive. A node that is alive goes by rondo admin node leave"
	case "abort":
		return "Nothing is copied now. Once reads use the new owners a plan is carried out: rondo admin ring status --watch follows it"
	case "recover":
		return "It is for when a majority of the voters is gone for good, and is given to a survivor (--addr), with all who are alive among --survivors. " +
			"While a majority is there: rondo admin node replace, or remove"
	case "leave":
		return "rondo admin ring status shows the members. The last node is not drained but stopped"
	}
	return "rondo admin ring status shows the ring as it is, rondo admin node list who waits to be admitted"
}

// doneText says what is under way now, and how to follow it.
func doneText(x order, r orderReply) string {
	const follow = "\nFollow it with: rondo admin ring status --watch"
	at := fmt.Sprintf("%s: epoch %d is decided: ", x.Action, r.Epoch)
	switch x.Action {
	case "abort":
		return fmt.Sprintf("abort: given up; the ring is at epoch %d. What was copied already is handed back and deleted", r.Epoch) + follow
	case "rebalance":
		if x.Auto {
			return "rebalance: the asked node makes plans by itself now, while it is the conductor, until it starts again"
		}
		return "rebalance: the asked node makes no plans by itself now, until it starts again. To keep it so, set rebalance: manual on all nodes"
	case "commit":
		return at + "new owners copy what was planned" + follow
	case "leave":
		return at + "the node hands over all that it holds, then its process ends by itself" + follow
	case "remove":
		return at + "the others copy what the dead node held from those that are left" + follow
	case "replace":
		return at + "the new node copies what the other one held" + follow
	case "forget":
		return at + "the node is dropped, with what it had not handed over" + follow
	case "recover":
		return at + "the ring goes on with the survivors, under a new cluster id. Nodes that were taken for lost are refused if they come back: " +
			"empty their --dir and start them with --join" + follow
	}
	return at + "it is carried out" + follow
}
