// The plants that the server can be, by name. A further one is a further row of VARIANTS.
//
// What the standards say, and what each variant makes of it:
//
// - OPC 10031-4 (ISA-95 Job Control) B.2, bit 1 of ReturnStatus: a JobOrderID is known or unknown to the receiver that
//   is asked. It identifies a job within that receiver only, so two receivers may use one id for two jobs.
//     same-job-id         both machines run a job JO-1; Press1's needs EQ-10, Press2's needs EQ-20.
// - OPC 40001-1 6.3: a machine should have the folder MachineryBuildingBlocks, with its add-ins in it. As this is no
//   "shall", a server may hang JobManagement on the machine itself, one level higher.
//     same-job-id-without-folder  as same-job-id, without the folder.
// - OPC 10031-4 6.3.1: the ID in EquipmentRequirements is an equipment class or an equipment, and nothing says which.
//   6.2.1.2: EquipmentID is mandatory, lists what a job order may name, and may be null. 6.2.7.2: the job response
//   tells which equipment was in fact used (EquipmentActuals, PhysicalAssetActuals).
//     equipment-class     both jobs need PRESS-CLASS; each receiver's EquipmentID is its own machine.
//     class-only          both jobs need PRESS-CLASS; EquipmentID is null; the job responses name nothing.
//     class-with-actuals  as class-only, but the job responses name the machine: Press1's EQ-10 as a physical asset,
//                         Press2's EQ-20 as an equipment.
// - OPC 10031-4 6.2.1.5: it is the receiver that lets a job run which is allowed to start. OPC 40001-3 6.2: one
//   receiver manages all jobs of its machine.
//     next-job            one machine with a job that runs and two that may start: when the first ends, the next runs.
//     two-jobs            one machine that runs two jobs at once.
// - OPC 10031-4 6.2.5: an interrupted job may be in a substate. Held: stopped by a constraint. Suspended: stopped by a
//   deliberate decision, for example by Pause, which is then allowed from Held too. 6.3.2: the first entry of State is
//   the top level; an entry with a BrowsePath is a substate.
//     substates           the list shows substates of Interrupted.
// - OPC 10031-4 6.2.1: every method of a receiver is optional.
//     no-resume           Press1 has Pause and no Resume; the job of Press2 waits, and it has RevokeStart and no Start.
// - OPC 10031-4 6.2.1.2: PhysicalAssetID is mandatory beside EquipmentID, and either may be null. 6.3: a job order may
//   name no equipment. OPC 40001-1 8.2: a machine has an identification, with an AssetId that the plant may write.
//     assets              each receiver's PhysicalAssetID is its own machine; the jobs name nothing.
//     asset-id            both ids are null and the jobs name nothing; the identification's AssetId is the machine.
// - OPC 40001-1 12.2, 12.3: a machine may show its state and its operation mode, each as a state machine among its
//   building blocks; a component of it may have its own.
//     machine-states      Press1 shows both, and so does a component of it; Press2 shows the state alone, Press3 nothing.
//     five-hundred-states 500 machines that show both, each with a receiver and a job.
// - OPC 40001-1 6: servers have other objects beside their machines.
//     many-objects        as same-job-id, behind 2,500 objects of another kind.
//     fifty-one           51 machines with a job each.
//     five-hundred        500 machines with a job each, on 50 receivers.
// - OPC 10000-5 6.3.11: a server may limit the operations in one request (OperationLimits).
//     few-operations      as same-job-id, at most 3 nodes in a request to browse, and 50 in one to read.
// - Seen on servers: a method answers Good with ReturnStatus 0, whose bits all say nothing, and does what it was asked.
//     status-zero         Pause and Resume answer so.
//
// A machine is {name, equipmentId, assetId, identity, jobs, folder, methods, substates, silent, shows}: the receiver's
// EquipmentID and PhysicalAssetID, a list or null; AssetId of the machine's identification; whether there is a folder
// MachineryBuildingBlocks; the names of the methods, all if left out; whether substates are shown; the methods that
// answer with ReturnStatus 0; the state and the mode that it shows. A job is {id, state, substate, equipment, assets, actuals}: the substate, null if none is
// shown; the ids in EquipmentRequirements and PhysicalAssetRequirements, and what its response names in
// actuals.equipment (EquipmentActuals) and actuals.assets (PhysicalAssetActuals). A `state` of null is a row without
// one. All but name, jobs, id and state may be left out.

export const STATES = { NotAllowedToStart: 1, AllowedToStart: 2, Running: 3, Interrupted: 4, Ended: 5, Aborted: 6 };

const running = (id, equipment, actuals) => ({ id, state: "Running", equipment: [equipment], actuals });
const press = (name, equipmentId, ...jobs) => ({ name, equipmentId, jobs, folder: true });

const bare = (id) => ({ id, state: "Running" });

const sameJobId = [
  press("Press1", ["EQ-10"], running("JO-1", "EQ-10", { equipment: ["EQ-10"] })),
  press("Press2", ["EQ-20"], running("JO-1", "EQ-20", { equipment: ["EQ-20"] })),
];

// What the server limits, by the variant.
export const LIMITS = { "few-operations": { maxNodesPerBrowse: 3, maxNodesPerRead: 50 } };

// The number of objects below Objects that are no machines, by the variant.
export const OTHER_OBJECTS = { "many-objects": 2500 };

export const VARIANTS = {
  "same-job-id": sameJobId,
  "same-job-id-without-folder": sameJobId.map((machine) => ({ ...machine, folder: false })),
  "many-objects": sameJobId,
  "few-operations": sameJobId,
  "fifty-one": Array.from({ length: 51 }, (_, n) => press(`Press${n}`, [`EQ-${n}`], running("JO-1", `EQ-${n}`))),
  "five-hundred": Array.from({ length: 50 }, (_, line) => {
    const equipment = Array.from({ length: 10 }, (_, n) => `EQ-${10 * line + n}`);
    return press(`Line${line}`, equipment, ...equipment.map((id) => running(`JO-${id}`, id, { equipment: [id] })));
  }),
  "machine-states": [
    {
      ...press("Press1", ["EQ-10"], running("JO-1", "EQ-10")),
      shows: { state: "Executing", mode: "Processing", component: { state: "OutOfService", mode: "Maintenance" } },
    },
    { ...press("Press2", ["EQ-20"], running("JO-1", "EQ-20")), shows: { state: "NotExecuting" } },
    press("Press3", ["EQ-30"], running("JO-1", "EQ-30")),
  ],
  "five-hundred-states": Array.from({ length: 500 }, (_, n) => ({
    ...press(`Press${n}`, [`EQ-${n}`], running("JO-1", `EQ-${n}`)),
    shows: { state: "Executing", mode: n % 2 ? "Setup" : "Processing" },
  })),
  "status-zero": sameJobId.map((machine) => ({ ...machine, silent: ["Pause", "Resume"] })),
  substates: sameJobId.map((machine) => ({ ...machine, substates: true })),
  "no-resume": [
    { ...press("Press1", ["EQ-10"], running("JO-1", "EQ-10")), methods: ["Pause", "Stop", "Start", "RevokeStart"] },
    {
      ...press("Press2", ["EQ-20"], { id: "JO-1", state: "AllowedToStart", equipment: ["EQ-20"] }),
      methods: ["Pause", "Resume", "RevokeStart"],
    },
  ],
  assets: [
    { ...press("Press1", null, bare("JO-1")), assetId: ["PRESS-SN-1"] },
    { ...press("Press2", null, bare("JO-1")), assetId: ["PRESS-SN-2"] },
  ],
  "asset-id": [
    { ...press("Press1", null, bare("JO-1")), identity: "EQ-10" },
    { ...press("Press2", null, bare("JO-1")), identity: "EQ-20" },
  ],
  "equipment-class": [
    press("Press1", ["EQ-10"], running("JO-1", "PRESS-CLASS")),
    press("Press2", ["EQ-20"], running("JO-1", "PRESS-CLASS")),
  ],
  "class-only": [
    press("Press1", null, running("JO-1", "PRESS-CLASS")),
    press("Press2", null, running("JO-1", "PRESS-CLASS")),
  ],
  "class-with-actuals": [
    press("Press1", null, running("JO-1", "PRESS-CLASS", { assets: ["EQ-10"] })),
    press("Press2", null, running("JO-1", "PRESS-CLASS", { equipment: ["EQ-20"] })),
  ],
  "two-jobs": [press("Press1", ["EQ-10"], running("JO-1", "EQ-10"), running("JO-2", "EQ-10"))],
  "next-job": [
    press(
      "Press1",
      ["EQ-10"],
      running("JO-1", "EQ-10"),
      { id: "JO-2", state: "AllowedToStart", equipment: ["EQ-10"] },
      { id: "JO-3", state: "AllowedToStart", equipment: ["EQ-10"] },
    ),
  ],
};
