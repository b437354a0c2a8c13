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
//
// A machine is {name, equipmentId, jobs, folder}: the receiver's EquipmentID, a list or null; and whether there is a
// folder MachineryBuildingBlocks. A job is {id, state, equipment, assets, actuals}: the ids in EquipmentRequirements
// and PhysicalAssetRequirements, and what its response names in actuals.equipment (EquipmentActuals) and actuals.assets
// (PhysicalAssetActuals). `equipment`, `assets` and `actuals` may be left out.

export const STATES = { NotAllowedToStart: 1, AllowedToStart: 2, Running: 3, Interrupted: 4, Ended: 5, Aborted: 6 };

const running = (id, equipment, actuals) => ({ id, state: "Running", equipment: [equipment], actuals });
const press = (name, equipmentId, ...jobs) => ({ name, equipmentId, jobs, folder: true });

const sameJobId = [
  press("Press1", ["EQ-10"], running("JO-1", "EQ-10", { equipment: ["EQ-10"] })),
  press("Press2", ["EQ-20"], running("JO-1", "EQ-20", { equipment: ["EQ-20"] })),
];

export const VARIANTS = {
  "same-job-id": sameJobId,
  "same-job-id-without-folder": sameJobId.map((machine) => ({ ...machine, folder: false })),
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
