// A machine's job orders and what may be done to them (OPC 10031-4 6.2.1). Knows nothing of the wire.

import { STATES } from "./variants.mjs";

const HOUR = 3_600_000;

export const RETURN_STATUS = { success: 1, unknownJobOrder: 2, invalidStatus: 8, unableToAccept: 16 };

// By method: the states it may be called in, and the state it leads to; null takes the job order off the list.
// Store, StoreAndStart and Update are optional and absent: this machine's jobs are entered at the machine.
export const METHODS = {
  Start: { from: ["NotAllowedToStart"], to: "AllowedToStart" },
  RevokeStart: { from: ["AllowedToStart"], to: "NotAllowedToStart" },
  Pause: { from: ["Running"], to: "Interrupted" },
  Resume: { from: ["Interrupted"], to: "Running" },
  Stop: { from: ["Running", "Interrupted"], to: "Ended" },
  Abort: { from: ["NotAllowedToStart", "AllowedToStart", "Running", "Interrupted"], to: "Aborted" },
  Cancel: { from: ["NotAllowedToStart", "AllowedToStart"], to: null },
  Clear: { from: ["Ended", "Aborted"], to: null },
};

export class Receiver {
  calls = [];
  jobs = [];
  // A test's wishes: ReturnStatus by method for calls to refuse, and how many seconds after a success the job follows.
  refuse = {};
  settleAfter = 0;
  // Called after each change of the list.
  changed = () => {};

  // The quality of JobOrderList.
  listStatus = "Good";

  constructor({ name, equipmentId, assetId, identity, jobs, folder, methods, substates, silent, shows }) {
    this.name = name;
    this.shows = shows ?? {};
    // Called with a machine's state or mode when it changes.
    this.showed = () => {};
    this.equipmentId = equipmentId;
    this.assetId = assetId ?? null;
    this.identity = identity;
    this.folder = folder;
    this.methods = methods ?? Object.keys(METHODS);
    this.substates = substates ?? false;
    this.silent = silent ?? [];
    for (const job of jobs) this.add(job);
  }

  // Enters a job order; planned times follow one after the other.
  add({ id, state, substate = null, equipment = [], assets = [], actuals = {} }) {
    if (!id || (state !== null && !(state in STATES))) throw new Error(`a job needs an id and a state of ${Object.keys(STATES)}`);
    if (this.find(id)) throw new Error(`${this.name} has a job ${id} already`);
    const start = this.jobs.at(-1)?.end ?? new Date(Date.now() - HOUR);
    const end = new Date(start.getTime() + 4 * HOUR);
    this.jobs.push({ id, state, substate, equipment, assets, actuals, start, end });
    this.changed();
  }

  find(id) {
    return this.jobs.find((job) => job.id === id);
  }

  // What a client calls. Gives ReturnStatus, and writes the call down.
  call(method, id, comments) {
    const status = this.#answer(method, id);
    const told = status === RETURN_STATUS.success && this.silent.includes(method) ? 0 : status;
    this.calls.push({ method, job: id, comments, status: told });
    if (status === RETURN_STATUS.success) this.#follow(this.find(id), METHODS[method].to, "Suspended");
    return told;
  }

  // What a person does at the machine: no method is called, and no state forbids it.
  move(id, state, substate = null) {
    if (!(state in STATES)) throw new Error(`no state ${state}; there are ${Object.keys(STATES)}`);
    const job = this.find(id);
    if (!job) throw new Error(`${this.name} has no job ${id}`);
    this.#move(job, state, substate);
  }

  #answer(method, id) {
    if (this.refuse[method] != null) return this.refuse[method];
    const job = this.find(id);
    if (!job) return RETURN_STATUS.unknownJobOrder;
    const suspends = method === "Pause" && this.substates && job.substate === "Held";
    return suspends || METHODS[method].from.includes(job.state) ? RETURN_STATUS.success : RETURN_STATUS.invalidStatus;
  }

  #follow(job, state, substate) {
    if (!this.settleAfter) return this.#move(job, state, substate);
    const before = job.state;
    const settle = () => job.state === before && this.#move(job, state, substate);
    setTimeout(settle, this.settleAfter * 1000);
  }

  // A machine that becomes free lets the next job run that is allowed to start.
  #move(job, state, substate) {
    const before = this.#occupied();
    if (state === null) this.jobs.splice(this.jobs.indexOf(job), 1);
    else job.state = state;
    job.substate = this.substates && state === "Interrupted" ? substate : null;
    if (before && !this.#occupied()) {
      const next = this.jobs.find((other) => other.state === "AllowedToStart");
      if (next) next.state = "Running";
    }
    this.changed();
  }

  #occupied() {
    return this.jobs.some((job) => job.state === "Running" || job.state === "Interrupted");
  }
}
