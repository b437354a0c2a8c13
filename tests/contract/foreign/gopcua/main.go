// A client of a Job Control server as another vendor would write it, with gopcua. gopcua reads no definitions from a
// server: structures.go has the structures as the published node set defines them. The client holds the first job that
// runs, lets it run again, and makes calls that the server has to refuse.
//
//	client ENDPOINT
//
// Prints one line of JSON: what it read and what it was answered.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"
	"time"

	"github.com/gopcua/opcua"
	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"
)

const (
	isa95   = "http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/"
	jobs    = "http://opcfoundation.org/UA/Machinery/Jobs/"
	running = 3
	// The method Resume and the type of status events, in the namespace of Job Control.
	resumeOfType = 7008
	statusEvent  = 1006
)

type answer struct {
	Status    string   `json:"status"`
	Arguments []string `json:"arguments"`
	Returned  uint64   `json:"returned"`
}

type client struct {
	*opcua.Client
	ctx      context.Context
	isa      uint16
	receiver *ua.NodeID
	provider *ua.NodeID
	list     *ua.NodeID
	pause    *ua.NodeID
	store    *ua.NodeID
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func connect(ctx context.Context, endpoint string) *client {
	c := &client{Client: must(opcua.NewClient(endpoint, opcua.SecurityMode(ua.MessageSecurityModeNone))), ctx: ctx}
	if err := c.Connect(ctx); err != nil {
		log.Fatal(err)
	}
	c.isa = must(c.FindNamespace(ctx, isa95))
	machinery := must(c.FindNamespace(ctx, jobs))
	register(c.isa)
	objects := c.Node(ua.NewNumericNodeID(0, id.ObjectsFolder))
	find := func(path ...*ua.QualifiedName) *ua.NodeID {
		return must(objects.TranslateBrowsePathsToNodeIDs(ctx, path))
	}
	management := &ua.QualifiedName{NamespaceIndex: machinery, Name: "JobManagement"}
	control := &ua.QualifiedName{NamespaceIndex: machinery, Name: "JobOrderControl"}
	part := func(name string) *ua.NodeID {
		return find(management, control, &ua.QualifiedName{NamespaceIndex: c.isa, Name: name})
	}
	c.receiver = find(management, control)
	c.provider = find(management, &ua.QualifiedName{NamespaceIndex: machinery, Name: "JobOrderResults"})
	c.list, c.pause, c.store = part("JobOrderList"), part("Pause"), part("Store")
	return c
}

func (c *client) entries() []*jobOrderAndState {
	var found []*jobOrderAndState
	for _, each := range must(c.Node(c.list).Value(c.ctx)).Value().([]*ua.ExtensionObject) {
		found = append(found, each.Value.(*jobOrderAndState))
	}
	return found
}

func (c *client) entry(job string) *jobOrderAndState {
	for _, each := range c.entries() {
		if each.JobOrder.JobOrderID == job {
			return each
		}
	}
	return nil
}

func (c *client) call(object, method *ua.NodeID, arguments ...any) answer {
	request := &ua.CallMethodRequest{ObjectID: object, MethodID: method}
	for _, each := range arguments {
		request.InputArguments = append(request.InputArguments, ua.MustVariant(each))
	}
	result := must(c.Call(c.ctx, request))
	told := answer{Status: name(result.StatusCode), Arguments: []string{}}
	for _, each := range result.InputArgumentResults {
		told.Arguments = append(told.Arguments, name(each))
	}
	if outputs := result.OutputArguments; len(outputs) > 0 {
		told.Returned = outputs[len(outputs)-1].Value().(uint64)
	}
	return told
}

// The symbolic name of a status code, as the standard writes it.
func name(code ua.StatusCode) string {
	if code == ua.StatusOK {
		return "Good"
	}
	return ua.StatusCodes[code].Name[len("Status"):]
}

// Events of the standard's type or a subtype: the states that they tell, from now on.
func (c *client) listen() <-chan event {
	notified := make(chan *opcua.PublishNotificationData)
	wish := &opcua.SubscriptionParameters{Interval: 20 * time.Millisecond}
	subscription := must(c.Subscribe(c.ctx, wish, notified))
	must(subscription.Monitor(c.ctx, ua.TimestampsToReturnBoth, &ua.MonitoredItemCreateRequest{
		ItemToMonitor: &ua.ReadValueID{
			NodeID:       c.provider,
			AttributeID:  ua.AttributeIDEventNotifier,
			DataEncoding: &ua.QualifiedName{},
		},
		MonitoringMode:      ua.MonitoringModeReporting,
		RequestedParameters: &ua.MonitoringParameters{ClientHandle: 1, QueueSize: 100, Filter: c.filter()},
	}))
	events := make(chan event, 100)
	go func() {
		for each := range notified {
			if told, ok := each.Value.(*ua.EventNotificationList); ok {
				for _, fields := range told.Events {
					events <- readEvent(fields.EventFields)
				}
			}
		}
	}()
	return events
}

func (c *client) filter() *ua.ExtensionObject {
	var selected []*ua.SimpleAttributeOperand
	for _, field := range []string{"JobOrder", "JobState"} {
		selected = append(selected, &ua.SimpleAttributeOperand{
			TypeDefinitionID: ua.NewNumericNodeID(c.isa, statusEvent),
			BrowsePath:       []*ua.QualifiedName{{NamespaceIndex: c.isa, Name: field}},
			AttributeID:      ua.AttributeIDValue,
		})
	}
	kind := &ua.LiteralOperand{Value: ua.MustVariant(ua.NewNumericNodeID(c.isa, statusEvent))}
	element := &ua.ContentFilterElement{
		FilterOperator: ua.FilterOperatorOfType,
		FilterOperands: []*ua.ExtensionObject{object(0, id.LiteralOperand_Encoding_DefaultBinary, kind)},
	}
	return object(0, id.EventFilter_Encoding_DefaultBinary, &ua.EventFilter{
		SelectClauses: selected,
		WhereClause:   &ua.ContentFilter{Elements: []*ua.ContentFilterElement{element}},
	})
}

func (c *client) refusals(job string) map[string]answer {
	nothing := ua.NewStringNodeID(1, "nothing")
	none := []*ua.LocalizedText{}
	other := object(0, id.ElementOperand_Encoding_DefaultBinary, &ua.ElementOperand{Index: 1})
	return map[string]answer{
		"another object":    c.call(c.provider, c.pause, job, none),
		"no object":         c.call(nothing, c.pause, job, none),
		"no method":         c.call(c.receiver, nothing, job, none),
		"too few":           c.call(c.receiver, c.pause, job),
		"too many":          c.call(c.receiver, c.pause, job, none, none),
		"a wrong type":      c.call(c.receiver, c.pause, int32(7), none),
		"another structure": c.call(c.receiver, c.store, other, none),
		"an unknown job":    c.call(c.receiver, c.pause, "nobody's", none),
	}
}

func firstRunning(entries []*jobOrderAndState) (string, error) {
	for _, each := range entries {
		if each.State[0].StateNumber == running {
			return each.JobOrder.JobOrderID, nil
		}
	}
	return "", errors.New("no job runs")
}

func main() {
	log.SetFlags(0)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c := connect(ctx, os.Args[1])
	entries := c.entries()
	job := must(firstRunning(entries))
	events := c.listen()
	comment := []*ua.LocalizedText{ua.NewLocalizedTextWithLocale("held", "en")}
	told := map[string]any{"jobs": entries, "job": job}
	told["paused"] = c.call(c.receiver, c.pause, job, comment)
	told["whilePaused"] = c.entry(job).State
	told["resumed"] = c.call(c.receiver, ua.NewNumericNodeID(c.isa, resumeOfType), job, []*ua.LocalizedText{})
	told["afterResume"] = c.entry(job).State
	told["events"] = []event{wait(ctx, events), wait(ctx, events)}
	told["refused"] = c.refusals(job)
	if err := json.NewEncoder(os.Stdout).Encode(told); err != nil {
		log.Fatal(err)
	}
}

func wait(ctx context.Context, events <-chan event) event {
	select {
	case told := <-events:
		return told
	case <-ctx.Done():
		log.Fatal("an event did not come")
		return event{}
	}
}
