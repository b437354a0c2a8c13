// A client of Service Bus as another would write it: azservicebus. It sends to a queue, a topic and a queue with
// sessions, and receives and settles what it sent in each way there is.
//
//	client CONNECTION_STRING
//
// Prints one line of JSON: what it received and what it was answered. bus_contract.py says what has to be in it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"
	"time"

	bus "github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

var states = map[bus.MessageState]string{
	bus.MessageStateActive:    "active",
	bus.MessageStateDeferred:  "deferred",
	bus.MessageStateScheduled: "scheduled",
}

type message = bus.ReceivedMessage

type shown struct {
	ID         string         `json:"id"`
	Body       string         `json:"body"`
	State      string         `json:"state"`
	Failed     uint32         `json:"failed"`
	Properties map[string]any `json:"properties"`
}

// What a receiver of an entity and a receiver of a session have in common.
type receiver interface {
	ReceiveMessages(context.Context, int, *bus.ReceiveMessagesOptions) ([]*message, error)
	ReceiveDeferredMessages(context.Context, []int64, *bus.ReceiveDeferredMessagesOptions) ([]*message, error)
	PeekMessages(context.Context, int, *bus.PeekMessagesOptions) ([]*message, error)
	DeferMessage(context.Context, *message, *bus.DeferMessageOptions) error
}

type client struct {
	*bus.Client
	ctx     context.Context
	answers map[string]any
}

func must[T any](value T, err error) T {
	done(err)
	return value
}

func done(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func show(m *message) shown {
	properties := m.ApplicationProperties
	if properties == nil {
		properties = map[string]any{}
	}
	// azservicebus counts the delivery that brought the message.
	return shown{m.MessageID, string(m.Body), states[m.State], m.DeliveryCount - 1, properties}
}

// azservicebus has no code of its own for a session that another holds.
func refusal(err error) string {
	var refused *bus.Error
	if errors.As(err, &refused) {
		return string(refused.Code)
	}
	return err.Error()
}

func text(body string) *bus.Message {
	return &bus.Message{Body: []byte(body)}
}

func (c *client) send(entity string, messages ...*bus.Message) {
	sender := must(c.NewSender(entity, nil))
	for _, each := range messages {
		done(sender.SendMessage(c.ctx, each, nil))
	}
	done(sender.Close(c.ctx))
}

func (c *client) one(from receiver) *message {
	return must(from.ReceiveMessages(c.ctx, 1, nil))[0]
}

func (c *client) peek(from receiver, number int64) *message {
	return must(from.PeekMessages(c.ctx, 1, &bus.PeekMessagesOptions{FromSequenceNumber: &number}))[0]
}

func (c *client) deferredAgain(from receiver) (deferred, peeked *message) {
	m := c.one(from)
	done(from.DeferMessage(c.ctx, m, nil))
	peeked = c.peek(from, *m.SequenceNumber)
	return must(from.ReceiveDeferredMessages(c.ctx, []int64{*m.SequenceNumber}, nil))[0], peeked
}

func (c *client) topic() {
	id, correlation, subject, contentType, ttl := "m1", "c1", "s1", "text/plain", time.Minute
	sent := text("all of it")
	sent.MessageID, sent.CorrelationID, sent.Subject = &id, &correlation, &subject
	sent.ContentType, sent.TimeToLive = &contentType, &ttl
	sent.ApplicationProperties = map[string]any{"n": int64(5), "kind": "pump"}
	c.send("t", sent)
	from := must(c.NewReceiverForSubscription("t", "all", nil))
	m := c.one(from)
	told := show(m)
	c.answers["received"] = map[string]any{
		"id": told.ID, "body": told.Body, "state": told.State, "failed": told.Failed, "properties": told.Properties,
		"correlation": m.CorrelationID, "subject": m.Subject, "contentType": m.ContentType,
		"seconds": m.TimeToLive.Seconds(), "number": m.SequenceNumber,
	}
	done(from.CompleteMessage(c.ctx, m, nil))
}

func (c *client) queue() {
	from := must(c.NewReceiverForQueue("q", nil))
	c.send("q", text("alone"))
	m := c.one(from)
	c.answers["nameless"] = show(m)
	lockedUntil := *m.LockedUntil
	done(from.RenewMessageLock(c.ctx, m, nil))
	c.answers["renewed"] = !m.LockedUntil.Before(lockedUntil)
	done(from.AbandonMessage(c.ctx, m, &bus.AbandonMessageOptions{PropertiesToModify: map[string]any{"seen": int64(1)}}))
	m = c.one(from)
	c.answers["abandoned"] = show(m)
	done(from.CompleteMessage(c.ctx, m, nil))

	sender := must(c.NewSender("q", nil))
	batch := must(sender.NewMessageBatch(c.ctx, nil))
	first, second := "b1", "b2"
	done(batch.AddMessage(&bus.Message{Body: []byte("first"), MessageID: &first}, nil))
	done(batch.AddMessage(&bus.Message{Body: []byte("second"), MessageID: &second}, nil))
	done(sender.SendMessageBatch(c.ctx, batch, nil))
	deferred, peeked := c.deferredAgain(from)
	c.answers["peeked"], c.answers["deferred"] = show(peeked), show(deferred)
	done(from.CompleteMessage(c.ctx, deferred, nil))
	deferred, _ = c.deferredAgain(from)
	reason, description := "why", "at length"
	done(from.DeadLetterMessage(c.ctx, deferred, &bus.DeadLetterOptions{Reason: &reason, ErrorDescription: &description}))
	dead := must(c.NewReceiverForQueue("q", &bus.ReceiverOptions{SubQueue: bus.SubQueueDeadLetter}))
	m = c.one(dead)
	told := show(m)
	c.answers["dead"] = map[string]any{
		"id": told.ID, "body": told.Body, "state": told.State, "failed": told.Failed, "properties": told.Properties,
		"reason": m.DeadLetterReason, "description": m.DeadLetterErrorDescription, "source": m.DeadLetterSource,
	}
	done(dead.CompleteMessage(c.ctx, m, nil))

	numbers := must(sender.ScheduleMessages(c.ctx, []*bus.Message{text("later")}, time.Now().Add(time.Hour), nil))
	c.answers["scheduled"] = show(c.peek(from, numbers[0])).State
	done(sender.CancelScheduledMessages(c.ctx, numbers, nil))

	c.send("q", text("gone"))
	deleting := must(c.NewReceiverForQueue("q", &bus.ReceiverOptions{ReceiveMode: bus.ReceiveModeReceiveAndDelete}))
	c.answers["deleted"] = show(c.one(deleting)).Body
}

// azservicebus drains nothing: what comes on the credit of a receive that has ended it gives back.
func (c *client) stopping() {
	from := must(c.NewReceiverForQueue("drained", nil))
	c.send("drained", text("before"))
	m := must(from.ReceiveMessages(c.ctx, 10, nil))[0]
	done(from.CompleteMessage(c.ctx, m, nil))
	bodies := []string{string(m.Body)}
	c.send("drained", text("after"))
	m = c.one(from)
	done(from.CompleteMessage(c.ctx, m, nil))
	bodies = append(bodies, string(m.Body))
	done(from.Close(c.ctx))
	c.send("drained", text("after it closed"))
	m = c.one(must(c.NewReceiverForQueue("drained", nil)))
	c.answers["stopped"] = append(bodies, string(m.Body))
}

func (c *client) sessions() {
	a, b := "A", "B"
	c.send("by-twin", &bus.Message{Body: []byte("a"), SessionID: &a})
	c.send("by-twin", &bus.Message{Body: []byte("b1"), SessionID: &b}, &bus.Message{Body: []byte("b2"), SessionID: &b})
	named := must(c.AcceptSessionForQueue(c.ctx, "by-twin", b, nil))
	_, err := c.AcceptSessionForQueue(c.ctx, "by-twin", b, nil)
	c.answers["taken"] = refusal(err)
	next := must(c.AcceptNextSessionForQueue(c.ctx, "by-twin", nil))
	stateBefore := must(named.GetSessionState(c.ctx, nil))
	done(named.SetSessionState(c.ctx, []byte("seen"), nil))
	lockedUntil := named.LockedUntil()
	done(named.RenewSessionLock(c.ctx, nil))
	deferred, _ := c.deferredAgain(named)
	done(named.CompleteMessage(c.ctx, deferred, nil))
	kept := c.one(named)
	done(named.Close(c.ctx))
	again := must(c.AcceptNextSessionForQueue(c.ctx, "by-twin", nil))
	given := c.one(again)
	c.answers["sessions"] = map[string]any{
		"named": named.SessionID(), "next": next.SessionID(), "again": again.SessionID(),
		"stateBefore": stateBefore, "state": string(must(again.GetSessionState(c.ctx, nil))),
		"isLocked": lockedUntil.After(time.Now()) && !named.LockedUntil().Before(lockedUntil),
		"deferred": show(deferred), "bodies": []string{string(kept.Body), string(given.Body)},
		"failed": show(given).Failed,
	}
	done(again.CompleteMessage(c.ctx, given, nil))
	hasty, cancel := context.WithTimeout(c.ctx, 2*time.Second)
	defer cancel()
	_, err = c.AcceptNextSessionForQueue(hasty, "by-twin", nil)
	c.answers["none"] = refusal(err)
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	options := &bus.ClientOptions{RetryOptions: bus.RetryOptions{MaxRetries: -1}}
	c := &client{must(bus.NewClientFromConnectionString(os.Args[1], options)), ctx, map[string]any{}}
	c.topic()
	c.queue()
	c.stopping()
	c.sessions()
	done(c.Close(ctx))
	done(json.NewEncoder(os.Stdout).Encode(c.answers))
}
