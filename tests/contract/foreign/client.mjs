// A client of a Job Control server as another vendor would write it: node-opcua, which reads the definitions of the
// structures from the server and has no nodeset of its own here. It finds a receiver by its type, holds the first job
// that runs, lets it run again, and makes calls that the server has to refuse.
//
//   node client.mjs ENDPOINT
//
// Prints one line of JSON: what it read and what it was answered. Status codes are by symbolic name.

import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

// node-opcua writes warnings to standard output, which belongs to the answer.
console.log = console.info = console.warn = console.error;

const opcua = createRequire(import.meta.url)("node-opcua");
const { AttributeIds, DataType, NodeClass, OPCUACertificateManager, OPCUAClient, Variant, VariantArrayType } = opcua;

const ISA95 = "http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/";
const RECEIVER = 1002;
const PROVIDER = 1003;
const STATUS_EVENT = 1006;
const RUNNING = 3;
const LONGEST_WAIT = 5_000;
const DEEPEST = 3;

class Server {
  constructor(session, namespace) {
    this.session = session;
    this.isa95 = (number) => opcua.coerceNodeId(`ns=${namespace};i=${number}`);
  }

  async browse(nodeId, referenceTypeId, browseDirection = "Forward") {
    const { references } = await this.session.browse({
      nodeId,
      referenceTypeId,
      browseDirection: opcua.BrowseDirection[browseDirection],
      includeSubtypes: true,
      resultMask: 63,
    });
    return references ?? [];
  }

  async subtypes(type) {
    const below = await this.browse(type, "HasSubtype");
    const all = await Promise.all(below.map(({ nodeId }) => this.subtypes(nodeId)));
    return [type.toString(), ...all.flat()];
  }

  // The first object below Objects whose type is the one given or a subtype.
  async find(type) {
    const types = await this.subtypes(this.isa95(type));
    let level = [opcua.resolveNodeId("ObjectsFolder")];
    for (let depth = 0; depth < DEEPEST; depth++) {
      const children = (await Promise.all(level.map((node) => this.browse(node, "HierarchicalReferences")))).flat();
      const objects = children.filter(({ nodeClass }) => nodeClass === NodeClass.Object);
      const found = objects.find(({ typeDefinition }) => types.includes(typeDefinition.toString()));
      if (found) return found;
      level = objects.map(({ nodeId }) => nodeId);
    }
    throw new Error(`no object of type ${type} or a subtype`);
  }

  async components(owner) {
    const found = await this.browse(owner, "Aggregates");
    return Object.fromEntries(found.map(({ browseName, nodeId }) => [browseName.name, nodeId]));
  }

  async value(nodeId) {
    return (await this.session.read({ nodeId, attributeId: AttributeIds.Value })).value.value;
  }

  async call(objectId, methodId, inputArguments) {
    const result = await this.session.call({ objectId, methodId, inputArguments });
    const [high, low] = result.outputArguments?.at(-1)?.value ?? [];
    return {
      status: result.statusCode.name,
      arguments: result.inputArgumentResults?.map(({ name }) => name) ?? [],
      returned: low === undefined ? null : high * 2 ** 32 + low,
    };
  }
}

const text = (value) => new Variant({ dataType: DataType.String, value });
const comment = (...words) =>
  new Variant({
    dataType: DataType.LocalizedText,
    arrayType: VariantArrayType.Array,
    value: words.map((each) => ({ locale: "en", text: each })),
  });
// The first answer that says something; null if none has come in time.
const within = async (ask) => {
  for (const end = Date.now() + LONGEST_WAIT; Date.now() < end; await sleep(20)) {
    const answer = await ask();
    if (answer) return answer;
  }
  return null;
};
const plain = (value) => JSON.parse(JSON.stringify(value));

async function useServer(server) {
  const receiver = await server.find(RECEIVER);
  const provider = await server.find(PROVIDER);
  const parts = await server.components(receiver.nodeId);
  const jobs = () => server.value(parts.JobOrderList);
  const state = async (id) => plain((await jobs()).find(({ jobOrder }) => jobOrder.jobOrderID === id).state);
  const first = await jobs();
  const job = first.find((each) => each.state[0].stateNumber === RUNNING).jobOrder.jobOrderID;

  const events = await listen(server, provider.nodeId);
  const paused = await server.call(receiver.nodeId, parts.Pause, [text(job), comment("held", "angehalten")]);
  const whilePaused = await state(job);
  const again = await server.call(receiver.nodeId, parts.Pause, [text(job), comment()]);
  const resumed = await server.call(receiver.nodeId, server.isa95(7008), [text(job), comment()]);
  await within(() => events.length > 1);

  return {
    receiver: { name: receiver.browseName.name, type: receiver.typeDefinition.value },
    structure: first[0].schema.fields.map(({ name }) => name),
    jobs: plain(first),
    workMasters: parts.WorkMaster ? plain(await server.value(parts.WorkMaster)) : null,
    parts: Object.keys(parts),
    job,
    paused,
    whilePaused,
    again,
    resumed,
    afterResume: await state(job),
    events: plain(events),
    times: await times(server),
    stored: await store(server, receiver.nodeId, parts),
    refused: await refusals(server, receiver.nodeId, provider.nodeId, parts, job),
  };
}

// Events of the standard's type or a subtype, from the provider of job responses.
async function listen(server, nodeId) {
  const fields = ["EventType", "SourceName", "Time", "Severity", "JobOrder", "JobState", "JobResponse"];
  const own = ["JobOrder", "JobState", "JobResponse"];
  const index = server.isa95(0).namespace;
  const paths = fields.map((field) => (own.includes(field) ? `${index}:${field}` : field));
  const wish = { requestedPublishingInterval: 20, publishingEnabled: true };
  const subscription = await server.session.createSubscription2(wish);
  const item = await subscription.monitor(
    { nodeId, attributeId: AttributeIds.EventNotifier },
    { queueSize: 100, filter: opcua.constructEventFilter(paths, opcua.ofType(server.isa95(STATUS_EVENT))) },
    opcua.TimestampsToReturn.Both,
  );
  const events = [];
  item.on("changed", (values) => events.push(Object.fromEntries(fields.map((field, n) => [field, values[n].value]))));
  return events;
}

// The server's clock, read until it has moved on.
async function times(server) {
  const clock = opcua.resolveNodeId("Server_ServerStatus_CurrentTime");
  const begin = await server.value(clock);
  const later = await within(async () => {
    const now = await server.value(clock);
    return now > begin ? now : null;
  });
  return [begin, later];
}

// An order with fields that this plant's own jobs leave out, as the list gives it back.
async function store(server, receiver, parts) {
  const make = async (type, fields) => server.session.constructExtensionObject(server.isa95(type), fields);
  const sub = await make(3003, { ID: "Tip", value: { dataType: DataType.Double, value: 0.4 } });
  const parameter = await make(3003, {
    ID: "Tool",
    value: { dataType: DataType.String, value: "T-7" },
    subparameters: [sub],
  });
  const order = await make(3008, {
    jobOrderID: "FOREIGN-1",
    workMasterID: [await make(3007, { ID: "WM-SHAFT", parameters: [parameter] })],
    priority: 3,
    equipmentRequirements: [await make(3005, { ID: "EQ-001", quantity: "1.5" })],
  });
  const argument = new Variant({ dataType: DataType.ExtensionObject, value: order });
  const answer = await server.call(receiver, parts.Store, [argument, comment()]);
  const found = (await server.value(parts.JobOrderList)).find(({ jobOrder }) => jobOrder.jobOrderID === "FOREIGN-1");
  return { answer, order: plain(found.jobOrder) };
}

async function refusals(server, receiver, provider, parts, job) {
  const unknown = opcua.coerceNodeId("ns=1;s=nothing");
  const number = new Variant({ dataType: DataType.Int32, value: 7 });
  const single = new Variant({ dataType: DataType.LocalizedText, value: { text: "why" } });
  const asked = {
    "another object": [provider, parts.Pause, [text(job), comment()]],
    "no object": [unknown, parts.Pause, [text(job), comment()]],
    "a variable": [parts.JobOrderList, parts.Pause, [text(job), comment()]],
    "no method": [receiver, unknown, [text(job), comment()]],
    "too few": [receiver, parts.Pause, [text(job)]],
    "too many": [receiver, parts.Pause, [text(job), comment(), comment()]],
    "a wrong type": [receiver, parts.Pause, [number, comment()]],
    "no array": [receiver, parts.Pause, [text(job), single]],
    "no structure": [receiver, parts.Store, [text(job), comment()]],
    "an unknown job": [receiver, parts.Pause, [text("nobody's"), comment()]],
  };
  const answers = {};
  for (const [what, request] of Object.entries(asked)) answers[what] = await server.call(...request);
  return answers;
}

const certificates = mkdtempSync(join(tmpdir(), "job-control-client-"));
process.on("exit", () => rmSync(certificates, { recursive: true, force: true }));
const client = OPCUAClient.create({
  endpointMustExist: false,
  connectionStrategy: { maxRetry: 0 },
  clientCertificateManager: new OPCUACertificateManager({ rootFolder: certificates }),
});
await client.connect(process.argv[2]);
const session = await client.createSession();
const namespace = (await session.readNamespaceArray()).indexOf(ISA95);
const answer = await useServer(new Server(session, namespace));
await session.close();
await client.disconnect();
process.stdout.write(`${JSON.stringify(answer)}\n`);
process.exit(0);
