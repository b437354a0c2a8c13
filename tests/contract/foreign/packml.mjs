// A PackML server: node-opcua on the OPC Foundation's own nodeset (OPC 30050 v1.01). Below PackMLObjects are the machines
// Filler (TagID EQ-FILL), Packer (no TagID), two machines with the TagID EQ-TWICE, and an object that is no machine.
//
//   node packml.mjs
//
// Prints {"endpoint": "opc.tcp://…"} once it answers, then serves until SIGTERM or until standard input ends. A line of
// JSON on standard input sets what a machine tells, and a line {"id", "result"} answers:
//
//   {"id", "machine", "states": [outermost …], "texts": [… instead], "mode", "speed", "status"}
//
// `states` are names of states of the nodeset, as CurrentState and its Id; `texts` set CurrentState and no Id; `status`
// is that of the states.

import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

// node-opcua writes warnings to standard output, which belongs to the answers.
console.log = console.info = console.warn = console.error;
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

const opcua = createRequire(import.meta.url)("node-opcua");
const { DataType, NodeId, OPCUACertificateManager, OPCUAServer, StatusCodes, nodesets } = opcua;

const PACKML = "http://opcfoundation.org/UA/PackML/";
const TYPES = ["PackMLBaseStateMachineType", "PackMLMachineStateMachineType", "PackMLExecuteStateMachineType"];

const folder = mkdtempSync(join(tmpdir(), "packml-"));
const certificates = () => new OPCUACertificateManager({ rootFolder: folder, automaticallyAcceptUnknownCertificate: true });
const server = new OPCUAServer({
  host: "127.0.0.1",
  hostname: "127.0.0.1",
  port: 0,
  nodeset_filename: [nodesets.standard, nodesets.packML],
  serverCertificateManager: certificates(),
  securityModes: [opcua.MessageSecurityMode.None],
  securityPolicies: [opcua.SecurityPolicy.None],
});
await server.initialize();
const space = server.engine.addressSpace;
const index = space.getNamespaceIndex(PACKML);
const objects = space.findNode(new NodeId(NodeId.NodeIdType?.NUMERIC ?? 1, 72, index));
const states = Object.fromEntries(
  TYPES.flatMap((type) =>
    space
      .findObjectType(type, index)
      .getComponents()
      .map((each) => [each.browseName.name, each.nodeId]),
  ),
);

const machines = new Map();
function add(name, tag) {
  const machine = space.findObjectType("PackMLBaseObjectType", index).instantiate({
    namespace: space.getOwnNamespace(),
    browseName: name,
    organizedBy: objects,
    optionals: tag ? ["TagID"] : [],
  });
  if (tag) machine.getPropertyByName("TagID").setValueFromSource({ dataType: DataType.String, value: tag });
  machines.set(name, machine);
  tell({ machine: name, states: ["Cleared", "Stopped"], mode: 1, speed: 0 });
}

function tell({ machine, states: names, texts, mode, speed, status = "Good" }) {
  const object = machines.get(machine);
  const base = object.getComponentByName("BaseStateMachine");
  const inner = base.getComponentByName("MachineState");
  const levels = [base, inner, inner.getComponentByName("ExecuteState")];
  levels.forEach((level, place) => {
    const word = (texts ?? names)[place];
    const current = level.getComponentByName("CurrentState");
    const quality = StatusCodes[word ? status : "Good"];
    current.setValueFromSource({ dataType: DataType.LocalizedText, value: word ? { text: word } : null }, quality);
    const id = texts || !word ? new NodeId() : states[word];
    current.getPropertyByName("Id").setValueFromSource({ dataType: DataType.NodeId, value: id });
  });
  const told = object.getComponentByName("Status");
  if (mode !== undefined)
    told.getComponentByName("UnitModeCurrent").setValueFromSource({ dataType: DataType.Int32, value: mode });
  if (speed !== undefined)
    told.getComponentByName("CurMachSpeed").setValueFromSource({ dataType: DataType.Float, value: speed });
}

add("Filler", "EQ-FILL");
add("Packer", null);
add("First", "EQ-TWICE");
add("Second", "EQ-TWICE");
space.getOwnNamespace().addObject({ browseName: "Documents", organizedBy: objects });

await server.start();
const end = async () => {
  await server.shutdown(0);
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
};
process.on("SIGTERM", end);
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const { id, ...asked } = JSON.parse(line);
  tell(asked);
  say({ id, result: "told" });
});
lines.on("close", end);
say({ endpoint: server.getEndpointUrl() });
