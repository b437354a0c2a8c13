// A Job Control server as a machine builder would make it: node-opcua on the OPC Foundation's own nodesets (DI, IA,
// Machinery, ISA95-JOBCONTROL_V2, Machinery/Jobs). None of Millwright's code or sandbox is in it, so the contract suite
// meets a server that does not share our reading of the standard.
//
//   node server.mjs VARIANT [PORT [SECURITY]]
//
// variants.mjs lists and explains the variants; port 0, the default, is any; security.mjs explains SECURITY.
// Prints {"endpoint": "opc.tcp://…", "thumbprint": SHA-256 of its certificate} once it answers, then serves until SIGTERM or until standard input ends. A line
// of JSON on standard input asks something of the machine's side, and one line answers: {"id", "result" or "error"}.
//
//   {"id", "do": "state"}                                  each machine's jobs, and the calls that it received
//   {"id", "do": "sign_ins"}                               with which tokens users signed in, or tried to
//   {"id", "do": "move", "machine", "job", "to", "substate"}  a person, or the machine itself, brings a job to a state
//   {"id", "do": "add_job", "machine", "job": {…}}         a job as variants.mjs has it
//   {"id", "do": "refuse", "machine", "method", "status"}  the method is answered so and does nothing; null ends it
//   {"id", "do": "settle_after", "machine", "seconds"}     success is answered at once, the job's state follows later
//   {"id", "do": "equipment_id", "machine", "ids"}         the receiver's EquipmentID, a list or null
//   {"id", "do": "list_status", "machine", "status"}       the quality of the receiver's JobOrderList
//   {"id", "do": "show", "machine", "state", "mode"}       the state and the mode that the machine shows; null is a
//                                                          value that the standard does not have
//
// The address space (OPC 40001-1, OPC 40001-3): Objects / Machines / <machine>, which has the add-in Identification and
// the folder MachineryBuildingBlocks with the add-in JobManagement. That has JobOrderControl, the receiver, of the type
// without substates, and JobOrderResults, the provider of job responses. A ReturnStatus other than success comes with
// the status Uncertain (10031-4: Good or Uncertain, never Bad).

import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { METHODS, Receiver, RETURN_STATUS } from "./receiver.mjs";
import { Security } from "./security.mjs";
import { LIMITS, OTHER_OBJECTS, STATES, VARIANTS } from "./variants.mjs";

// node-opcua writes warnings to standard output, which belongs to the answers.
console.log = console.info = console.warn = console.error;
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

const opcua = createRequire(import.meta.url)("node-opcua");
const { DataType, nodesets, OPCUACertificateManager, OPCUAServer, StatusCodes, Variant, VariantArrayType } = opcua;

const DI = "http://opcfoundation.org/UA/DI/";
const MACHINERY = "http://opcfoundation.org/UA/Machinery/";
const JOBS = "http://opcfoundation.org/UA/Machinery/Jobs/";
const ISA95 = "http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/";
// The nodes of the states in the nodeset of Machinery.
const ITEM_STATES = { OutOfService: 5004, NotAvailable: 5005, Executing: 5006, NotExecuting: 5007 };
const MODES = { None: 5024, Maintenance: 5025, Processing: 5026, Setup: 5027 };
const INTERRUPTED_SUBSTATES = { Held: 1, Suspended: 2 };
const NODESETS = ["standard", "di", "ia", "machinery", "isa95JobControl", "machineryJobs"];

// A plain number is no UInt64 to node-opcua: it takes [high, low], and then needs to be told that this is no array.
const uint64 = (value) =>
  new Variant({
    dataType: DataType.UInt64,
    arrayType: VariantArrayType.Scalar,
    value: [Math.floor(value / 2 ** 32), value % 2 ** 32],
  });
const text = (value) => ({ dataType: DataType.String, value });
const texts = (value) => ({ dataType: DataType.String, arrayType: VariantArrayType.Array, value });
const structures = (value) => ({ dataType: DataType.ExtensionObject, arrayType: VariantArrayType.Array, value });

class AddressSpace {
  constructor(space) {
    this.space = space;
    this.index = (uri) => space.getNamespaceIndex(uri);
    this.machines = space.rootFolder.objects.getFolderElementByName("Machines", this.index(MACHINERY));
  }

  // An object that is no machine, with a component.
  addOther(name) {
    const namespace = this.space.getOwnNamespace();
    const other = namespace.addObject({ browseName: name, organizedBy: this.space.rootFolder.objects });
    namespace.addObject({ browseName: "Parameters", componentOf: other });
  }

  add(receiver) {
    const namespace = this.space.getOwnNamespace();
    const name = (uri, words) => ({ namespaceIndex: this.index(uri), name: words });
    const machine = namespace.addObject({ browseName: receiver.name, organizedBy: this.machines });
    const identification = this.space
      .findObjectType("MachineIdentificationType", this.index(MACHINERY))
      .instantiate({ namespace, browseName: name(DI, "Identification"), optionals: ["AssetId"] });
    identification.addReference({ referenceType: "HasAddIn", isForward: false, nodeId: machine });
    identification.getPropertyByName("SerialNumber").setValueFromSource(text(receiver.name));
    identification.getPropertyByName("ProductInstanceUri").setValueFromSource(text(`urn:made-up:${receiver.name}`));
    if (receiver.identity) identification.getPropertyByName("AssetId").setValueFromSource(text(receiver.identity));
    const management = this.space.findObjectType("JobManagementType", this.index(JOBS)).instantiate({
      namespace,
      browseName: name(JOBS, "JobManagement"),
      optionals: receiver.methods.map((method) => `JobOrderControl.${method}`),
    });
    const owner = receiver.folder ? this.#buildingBlocks(namespace, machine) : machine;
    management.addReference({ referenceType: "HasAddIn", isForward: false, nodeId: owner });
    this.#stateMachines(namespace, owner, receiver);
    this.#control(management.getComponentByName("JobOrderControl"), receiver);
    this.#results(management.getComponentByName("JobOrderResults"), receiver);
  }

  // What a machine shows of itself, and a component of it below the machine's folder Components.
  #stateMachines(namespace, owner, receiver) {
    const { state, mode, component } = receiver.shows;
    const shown = {};
    if (state) shown.state = this.#stateMachine(namespace, owner, "MachineryItemState", ITEM_STATES);
    if (mode) shown.mode = this.#stateMachine(namespace, owner, "MachineryOperationMode", MODES);
    receiver.showed = (what, value) => shown[what]?.(value);
    receiver.showed("state", state);
    receiver.showed("mode", mode);
    if (component) {
      const components = namespace.addObject({ browseName: "Components", componentOf: owner });
      const part = namespace.addObject({ browseName: "Spindle", componentOf: components });
      const blocks = this.#buildingBlocks(namespace, part);
      this.#stateMachine(namespace, blocks, "MachineryItemState", ITEM_STATES)(component.state);
      this.#stateMachine(namespace, blocks, "MachineryOperationMode", MODES)(component.mode);
    }
  }

  #stateMachine(namespace, owner, name, numbers) {
    const index = this.index(MACHINERY);
    const type = { MachineryItemState: "MachineryItemState_StateMachineType" }[name] ?? `${name}StateMachineType`;
    const machine = this.space
      .findObjectType(type, index)
      .instantiate({ namespace, browseName: { namespaceIndex: index, name } });
    machine.addReference({ referenceType: "HasAddIn", isForward: false, nodeId: owner });
    const current = machine.getComponentByName("CurrentState");
    return (value) => {
      current.setValueFromSource({ dataType: DataType.LocalizedText, value: { text: value ?? "Strange" } });
      const id = opcua.resolveNodeId(`ns=${index};i=${numbers[value] ?? 1}`);
      current.getPropertyByName("Id").setValueFromSource({ dataType: DataType.NodeId, value: id });
    };
  }

  // The nodeset defines this folder's browse name and no node of it: every machine makes its own.
  #buildingBlocks(namespace, machine) {
    const browseName = { namespaceIndex: this.index(MACHINERY), name: "MachineryBuildingBlocks" };
    return namespace.addObject({ browseName, typeDefinition: "FolderType", componentOf: machine });
  }

  #control(control, receiver) {
    control.getPropertyByName("MaxDownloadableJobOrders").setValueFromSource({ dataType: DataType.UInt16, value: 0 });
    receiver.changed = () => {
      const rows = receiver.jobs.map((job) =>
        this.#structure("ISA95JobOrderAndStateDataType", { jobOrder: this.#jobOrder(job), state: this.#state(job) }),
      );
      control.getComponentByName("JobOrderList").setValueFromSource(structures(rows), StatusCodes[receiver.listStatus]);
      control.getComponentByName("EquipmentID").setValueFromSource(texts(receiver.equipmentId));
      control.getComponentByName("PhysicalAssetID").setValueFromSource(texts(receiver.assetId));
    };
    receiver.changed();
    for (const method of receiver.methods) {
      control.getMethodByName(method).bindMethod((inputs, _context, callback) => {
        const comments = (inputs[1].value ?? []).map((comment) => comment.text);
        const status = receiver.call(method, inputs[0].value, comments);
        callback(null, { statusCode: quality(status), outputArguments: [uint64(status)] });
      });
    }
  }

  #results(results, receiver) {
    const started = (job) => job && !["NotAllowedToStart", "AllowedToStart"].includes(job.state);
    results.getMethodByName("RequestJobResponseByJobOrderID").bindMethod((inputs, _context, callback) => {
      const job = receiver.find(inputs[0].value);
      const known = started(job);
      const status = known ? RETURN_STATUS.success : RETURN_STATUS.unknownJobOrder;
      const response = { dataType: DataType.ExtensionObject, value: known ? this.#jobResponse(job) : null };
      callback(null, { statusCode: quality(status), outputArguments: [response, uint64(status)] });
    });
    results.getMethodByName("RequestJobResponseByJobOrderState").bindMethod((inputs, _context, callback) => {
      const asked = (inputs[0].value ?? []).map((state) => state.stateNumber);
      const jobs = receiver.jobs.filter((job) => started(job) && asked.includes(STATES[job.state]));
      const outputs = [structures(jobs.map((job) => this.#jobResponse(job))), uint64(RETURN_STATUS.success)];
      callback(null, { statusCode: StatusCodes.Good, outputArguments: outputs });
    });
  }

  #structure(name, fields) {
    return this.space.constructExtensionObject(this.space.findDataType(name, this.index(ISA95)), fields);
  }

  // Optional fields that would be empty are left out.
  #named(name, ids) {
    return ids?.length ? ids.map((ID) => this.#structure(name, { ID })) : undefined;
  }

  #state(job) {
    if (job.state === null) return undefined;
    const state = this.#structure("ISA95StateDataType", {
      stateText: { text: job.state },
      stateNumber: STATES[job.state],
    });
    if (!job.substate) return [state];
    const step = { isInverse: false, includeSubtypes: true, referenceTypeId: opcua.resolveNodeId("HasComponent") };
    const targetName = { namespaceIndex: this.index(ISA95), name: "InterruptedSubstates" };
    const substate = this.#structure("ISA95StateDataType", {
      browsePath: new opcua.RelativePath({ elements: [{ ...step, targetName }] }),
      stateText: { text: job.substate },
      stateNumber: INTERRUPTED_SUBSTATES[job.substate],
    });
    return [state, substate];
  }

  #jobOrder(job) {
    return this.#structure("ISA95JobOrderDataType", {
      jobOrderID: job.id,
      workMasterID: this.#named("ISA95WorkMasterDataType", ["WM-1"]),
      startTime: job.start,
      endTime: job.end,
      equipmentRequirements: this.#named("ISA95EquipmentDataType", job.equipment),
      physicalAssetRequirements: this.#named("ISA95PhysicalAssetDataType", job.assets),
    });
  }

  #jobResponse(job) {
    return this.#structure("ISA95JobResponseDataType", {
      jobResponseID: `${job.id}-response`,
      jobOrderID: job.id,
      startTime: job.start,
      jobState: this.#state(job),
      equipmentActuals: this.#named("ISA95EquipmentDataType", job.actuals.equipment),
      physicalAssetActuals: this.#named("ISA95PhysicalAssetDataType", job.actuals.assets),
    });
  }
}

function quality(status) {
  return status === RETURN_STATUS.success || status === 0 ? StatusCodes.Good : StatusCodes.Uncertain;
}

// What a test may ask for, by the name in "do".
const ACTIONS = {
  move: (receiver, { job, to, substate }) => receiver.move(job, to, substate),
  add_job: (receiver, { job }) => receiver.add(job),
  refuse: (receiver, { method, status }) => (receiver.refuse[method] = status),
  settle_after: (receiver, { seconds }) => (receiver.settleAfter = seconds),
  list_status: (receiver, { status }) => {
    receiver.listStatus = status;
    receiver.changed();
  },
  show: (receiver, { state, mode }) => {
    receiver.showed("state", state);
    receiver.showed("mode", mode);
  },
  equipment_id: (receiver, { ids }) => {
    receiver.equipmentId = ids;
    receiver.changed();
  },
};

function act(receivers, request) {
  if (request.do === "sign_ins") return security.signIns;
  if (request.do === "state") return receivers.map(({ name, jobs, calls }) => ({ name, jobs, calls }));
  const receiver = receivers.find(({ name }) => name === request.machine);
  if (!receiver) throw new Error(`no machine ${request.machine}`);
  if (!(request.do in ACTIONS)) throw new Error(`no request ${request.do}; there are state, ${Object.keys(ACTIONS)}`);
  ACTIONS[request.do](receiver, request);
  return null;
}

const [variant, port = "0", wanted = "{}"] = process.argv.slice(2);
if (!(variant in VARIANTS)) {
  console.error(`usage: node server.mjs VARIANT [PORT [SECURITY]], a variant of ${Object.keys(VARIANTS).join(", ")}`);
  process.exit(2);
}

// The server's key and certificate; left to itself node-opcua keeps them in the user's home directory.
const certificates = mkdtempSync(join(tmpdir(), "job-control-"));
process.on("exit", () => rmSync(certificates, { recursive: true, force: true }));
process.on("SIGTERM", () => process.exit(0));
process.on("SIGINT", () => process.exit(0));

const security = new Security(opcua, JSON.parse(wanted));
const certificateManager = new OPCUACertificateManager({
  rootFolder: certificates,
  automaticallyAcceptUnknownCertificate: security.wanted.trust,
});
const server = new OPCUAServer({
  host: "127.0.0.1",
  hostname: "127.0.0.1",
  port: Number(port),
  serverCertificateManager: certificateManager,
  userCertificateManager: certificateManager,
  ...security.options,
  serverCapabilities: { operationLimits: LIMITS[variant] ?? {} },
  nodeset_filename: NODESETS.map((name) => nodesets[name]),
});
await server.initialize();
const space = new AddressSpace(server.engine.addressSpace);
for (let n = 0; n < (OTHER_OBJECTS[variant] ?? 0); n++) space.addOther(`Other${n}`);
const receivers = VARIANTS[variant].map((machine) => new Receiver(machine));
for (const receiver of receivers) space.add(receiver);
security.apply(server);
await server.start();
say({ endpoint: server.getEndpointUrl(), thumbprint: security.thumbprint(server) });

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  try {
    say({ id: request.id, result: act(receivers, request) });
  } catch (error) {
    say({ id: request.id, error: error.message });
  }
}
process.exit(0);
