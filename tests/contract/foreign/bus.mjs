// A client of Service Bus as another would write it: @azure/service-bus. It sends to a queue, a topic and a queue with
// sessions, and receives and settles what it sent in each way there is.
//
//   node bus.mjs CONNECTION_STRING
//
// Prints one line of JSON: what it received and what it was answered. bus_contract.py says what has to be in it.

import { createRequire } from "node:module";

const require = createRequire(import.meta.url); // an import would bring another logger than the library's own
const { AzureLogger, setLogLevel } = require("@azure/logger");
const { ServiceBusClient } = require("@azure/service-bus");

const [, , connectionString] = process.argv;
const WAIT = { maxWaitTimeInMs: 5000 };
const retryOptions = { maxRetries: 0, timeoutInMs: 5000 };
const answers = {};

// Where the answer to a drain does not come, the library warns and goes on. It also warns of each link that it closes.
setLogLevel("warning");
const warnings = [];
AzureLogger.log = (...parts) => warnings.push(parts.join(" "));

const client = new ServiceBusClient(connectionString, { retryOptions });

const shown = (message) => ({
  id: message.messageId,
  body: message.body,
  state: message.state,
  failed: message.deliveryCount,
  properties: message.applicationProperties ?? {},
});

const refusal = async (promise) => {
  try {
    await promise;
    return null;
  } catch (error) {
    return error.code;
  }
};

async function one(receiver) {
  const [message] = await receiver.receiveMessages(1, WAIT);
  return message;
}

async function deferredAgain(receiver) {
  const message = await one(receiver);
  await receiver.deferMessage(message);
  const [peeked] = await receiver.peekMessages(1, { fromSequenceNumber: message.sequenceNumber });
  const [deferred] = await receiver.receiveDeferredMessages(message.sequenceNumber);
  return { deferred, peeked };
}

async function topic() {
  const sender = client.createSender("t");
  await sender.sendMessages({
    body: Buffer.from("all of it"),
    messageId: "m1",
    correlationId: "c1",
    subject: "s1",
    contentType: "text/plain",
    timeToLive: 60_000,
    applicationProperties: { n: 5, kind: "pump" },
  });
  const receiver = client.createReceiver("t", "all");
  const message = await one(receiver);
  answers.received = {
    ...shown(message),
    body: message.body.toString(),
    correlation: message.correlationId,
    subject: message.subject,
    contentType: message.contentType,
    seconds: message.timeToLive / 1000,
    number: Number(message.sequenceNumber),
  };
  await receiver.completeMessage(message);
}

async function queue() {
  const sender = client.createSender("q");
  const receiver = client.createReceiver("q");
  await sender.sendMessages({ body: "alone" });
  let message = await one(receiver);
  answers.nameless = shown(message);
  const lockedUntil = message.lockedUntilUtc;
  answers.renewed = (await receiver.renewMessageLock(message)) >= lockedUntil;
  await receiver.abandonMessage(message, { seen: 1 });
  message = await one(receiver);
  answers.abandoned = shown(message);
  await receiver.completeMessage(message);

  await sender.sendMessages([{ body: "first", messageId: "b1" }, { body: "second", messageId: "b2" }]);
  let again = await deferredAgain(receiver);
  answers.peeked = shown(again.peeked);
  answers.deferred = shown(again.deferred);
  await receiver.completeMessage(again.deferred);
  again = await deferredAgain(receiver);
  await receiver.deadLetterMessage(again.deferred, {
    deadLetterReason: "why",
    deadLetterErrorDescription: "at length",
  });
  const dead = client.createReceiver("q", { subQueueType: "deadLetter" });
  message = await one(dead);
  answers.dead = {
    ...shown(message),
    reason: message.deadLetterReason,
    description: message.deadLetterErrorDescription,
    source: message.deadLetterSource,
  };
  await dead.completeMessage(message);

  const [number] = await sender.scheduleMessages({ body: "later" }, new Date(Date.now() + 3_600_000));
  const [scheduled] = await receiver.peekMessages(1, { fromSequenceNumber: number });
  answers.scheduled = shown(scheduled).state;
  await sender.cancelScheduledMessages(number);

  await sender.sendMessages({ body: "gone" });
  const deleting = client.createReceiver("q", { receiveMode: "receiveAndDelete" });
  answers.deleted = (await one(deleting)).body;
}

async function stopping() {
  const sender = client.createSender("drained");
  const receiver = client.createReceiver("drained");
  await sender.sendMessages({ body: "before" });
  const [before] = await receiver.receiveMessages(10, { maxWaitTimeInMs: 300 });
  await receiver.completeMessage(before);
  await sender.sendMessages({ body: "after" });
  const after = await one(receiver);
  await receiver.completeMessage(after);
  const bodies = [before.body, after.body];
  let subscription;
  const pushed = new Promise((processMessage, reject) => {
    const processError = async ({ error }) => reject(error);
    subscription = receiver.subscribe({ processMessage: async (message) => processMessage(message), processError });
  });
  await sender.sendMessages({ body: "while subscribed" });
  bodies.push((await pushed).body);
  await subscription.close();
  await sender.sendMessages({ body: "after the subscription" });
  const last = await one(client.createReceiver("drained"));
  answers.stopped = [...bodies, last.body];
}

async function sessions() {
  const sender = client.createSender("by-twin");
  await sender.sendMessages([
    { body: "a", sessionId: "A" },
    { body: "b1", sessionId: "B" },
    { body: "b2", sessionId: "B" },
  ]);
  const named = await client.acceptSession("by-twin", "B");
  answers.taken = await refusal(client.acceptSession("by-twin", "B"));
  const next = await client.acceptNextSession("by-twin");
  const stateBefore = (await named.getSessionState()) ?? null;
  await named.setSessionState(Buffer.from("seen"));
  const lockedUntil = named.sessionLockedUntilUtc;
  const renewed = await named.renewSessionLock();
  const { deferred } = await deferredAgain(named);
  await named.completeMessage(deferred);
  const { body } = await one(named);
  await named.close();
  const again = await client.acceptNextSession("by-twin");
  const given = await one(again);
  answers.sessions = {
    named: named.sessionId,
    next: next.sessionId,
    stateBefore,
    state: (await again.getSessionState()).toString(),
    isLocked: lockedUntil > new Date() && renewed >= lockedUntil,
    deferred: shown(deferred),
    bodies: [body, given.body],
    failed: given.deliveryCount,
    again: again.sessionId,
  };
  await again.completeMessage(given);
  const hasty = new ServiceBusClient(connectionString, { retryOptions: { maxRetries: 0, timeoutInMs: 500 } });
  answers.none = await refusal(hasty.acceptNextSession("by-twin"));
  await hasty.close();
}

await topic();
await queue();
await stopping();
await sessions();
await client.close();
answers.warnings = warnings.filter((text) => text.includes("draining"));
process.stdout.write(`${JSON.stringify(answers)}\n`);
