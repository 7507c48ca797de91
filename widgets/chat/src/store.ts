// The conversation of one widget model, shared by all its views and kept while no view is there.

import { type Door, serverDoor, type Shown } from "../../views/src/approval";
import { inflated, packed, unpacked } from "./deflate";
import { applyEvent, newTurn, restoredTurn, type Turn } from "./turn_state";
import { isEventsMessage, type Feedback, type Reply, type TurnEvent, type TurnRecord } from "./wire";

/** The part of anywidget's model that we use. */
export interface Model {
  get(name: string): unknown;
  /** Changes the page's copy, which a saved notebook may hold; the kernel is not told. */
  set(name: string, value: unknown): void;
  send(content: unknown): void;
  on(name: string, callback: (...args: never[]) => void): void;
  off(name: string, callback: (...args: never[]) => void): void;
}

const SAVED_CHARACTERS = 3_000_000; // as TRANSCRIPT_BYTES in wire.py: older turns lose their charts first, then they go
const BUSY = "busy"; // a question that was refused while another ran has no place in the conversation
const REPLY_MS = 15_000; // by then the kernel is busy or gone

interface Live {
  next: number;
  early: Map<number, TurnEvent>;
  seen: TurnEvent[];
}

export class Store {
  readonly turns: Turn[] = [];
  /** What is typed but not sent; it survives a view that is drawn again. */
  draft = "";
  /** True until what the model has of the conversation is there. */
  restoring = false;
  private readonly live = new Map<string, Live>();
  private readonly listeners = new Set<() => void>();
  private readonly asked = new Map<string, (reply: Reply) => void>();
  private arriving: Promise<void> | undefined;
  private keeping = Promise.resolve();

  constructor(private readonly model: Model) {
    this.restore();
    model.on("msg:custom", this.onMessage as (...args: never[]) => void);
    model.on("change:turns", this.restore as (...args: never[]) => void);
    model.send({ type: "sync" });
  }

  destroy(): void {
    this.model.off("msg:custom", this.onMessage as (...args: never[]) => void);
    this.model.off("change:turns", this.restore as (...args: never[]) => void);
    this.listeners.clear();
    this.asked.clear();
  }

  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get examples(): string[] {
    return (this.model.get("examples") as string[] | undefined) ?? [];
  }

  get takesFeedback(): boolean {
    return this.model.get("takes_feedback") === true;
  }

  /** Who takes a yes or no: in a notebook its kernel, in the portal the server, which alone knows the visitor. */
  get door(): Door {
    if (this.model.get("answers") === "server") return serverDoor();
    const told = (reply: Reply): Shown => reply["operation"] as Shown;
    return {
      closed: this.model.get("answers") === "kernel" ? "" : "Nobody can answer here; `autodevops approve` does.",
      look: async (operation) => told(await this.request("operation", { operation })),
      answer: async (operation, digest, yes, comment) => told(await this.request("approve", { operation, digest, yes, comment })),
    };
  }

  get running(): Turn | undefined {
    return this.turns.find((turn) => turn.status === "running");
  }

  ask(question: string, selection?: { label: string; text: string }): void {
    const text = question.trim();
    if (!text || this.running) return;
    const id = turnId();
    this.open(id, text);
    this.model.send({ type: "ask", id, question: text, ...(selection && { selection }) });
    this.changed();
  }

  stop(): void {
    const turn = this.running;
    if (turn) this.model.send({ type: "stop", id: turn.id });
  }

  /** Ask the kernel for one thing. Fails with words for a person, also when nobody answers. */
  request(type: string, content: object, patience = REPLY_MS): Promise<Reply> {
    const id = crypto.randomUUID();
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.asked.delete(id);
        reject(new Error("The kernel does not answer: it is busy with a cell, or it was stopped."));
      }, patience);
      this.asked.set(id, (reply) => {
        clearTimeout(late);
        if (reply.error) reject(new Error(`${reply.error.message} ${reply.error.next_step}`.trim()));
        else resolve(reply);
      });
      this.model.send({ type, id, ...content });
    });
  }

  async judge(turn: Turn, feedback: Feedback): Promise<void> {
    await this.request("feedback", { turn: turn.id, ...feedback });
    turn.feedback = feedback;
    this.saved((records) => records.map((record) => (record.id === turn.id ? { ...record, feedback } : record)));
    this.changed();
  }

  private open(id: string, question: string): Turn {
    const turn = newTurn(id, question);
    this.turns.push(turn);
    this.live.set(id, { next: 0, early: new Map(), seen: [] });
    return turn;
  }

  private readonly onMessage = (content: unknown, buffers?: readonly DataView<ArrayBuffer>[]): void => {
    if (isEventsMessage(content)) {
      const [buffer] = buffers ?? [];
      if (buffer) this.queue(inflated(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)), (events) => this.take(content.turn, content.seq, events));
      else if (this.arriving) this.queue(content.events, (events) => this.take(content.turn, content.seq, events));
      else this.take(content.turn, content.seq, content.events);
      return;
    }
    const reply = content as Reply | null;
    const waiting = this.asked.get(reply?.id ?? "");
    if (reply && waiting) {
      this.asked.delete(reply.id);
      waiting(reply);
    }
  };

  /** Messages keep their order, though unpacking takes a moment. */
  private queue(value: unknown, then: (value: unknown) => void): void {
    const mine = (this.arriving ?? Promise.resolve())
      .then(() => value)
      .then(then)
      .catch((error: unknown) => console.error("autodevops: a message could not be read", error))
      .finally(() => {
        if (this.arriving === mine) this.arriving = undefined;
      });
    this.arriving = mine;
  }

  private take(id: string, seq: number, events: unknown): void {
    if (!Array.isArray(events)) return;
    const turn = this.turns.find((item) => item.id === id) ?? this.open(id, "");
    const live = this.live.get(turn.id);
    if (!live) return;
    for (const [index, event] of (events as TurnEvent[]).entries()) {
      if (seq + index >= live.next && typeof event?.type === "string") live.early.set(seq + index, event);
    }
    if (!live.early.has(live.next)) {
      // Another page's turn, joined midway: its beginning is asked for once.
      if (live.early.size > 0 && live.early.size <= events.length) this.model.send({ type: "sync" });
      return;
    }
    for (let event = live.early.get(live.next); event; event = live.early.get(live.next)) {
      live.early.delete(live.next);
      live.next += 1;
      live.seen.push(event);
      applyEvent(turn, event);
    }
    if (turn.status !== "running") {
      this.live.delete(turn.id);
      if (turn.failure?.code !== BUSY) this.keep(turn, live.seen);
    }
    this.changed();
  }

  /** Put a finished turn where a saved notebook finds it. */
  private keep(turn: Turn, seen: TurnEvent[]): void {
    const events = turn.answer ? seen.filter((event) => event.type !== "text_delta") : seen;
    this.keeping = this.keeping
      .then(async () => {
        const record = { id: turn.id, question: turn.question, packed: await packed(events) };
        const records = await fitted([...this.records.filter((other) => other.id !== turn.id), record]);
        this.saved(() => records);
      })
      .catch((error: unknown) => console.error("autodevops: the turn could not be kept in the notebook", error));
  }

  private saved(change: (records: TurnRecord[]) => TurnRecord[]): void {
    this.model.set("turns", change(this.records));
  }

  private get records(): TurnRecord[] {
    return (this.model.get("turns") as TurnRecord[] | undefined) ?? [];
  }

  /** Add what the model has and we never saw; a turn seen live is left as it is. */
  private readonly restore = (): void => {
    const unseen = this.records.filter((record) => !this.turns.some((turn) => turn.id === record.id && turn.status !== "running"));
    if (unseen.length === 0) return;
    this.restoring = this.turns.length === 0;
    const opened = Promise.all(unseen.map(async (record) => restoredTurn(record, (await unpacked(record.packed)) as TurnEvent[])));
    void opened
      .then((turns) => {
        for (const turn of turns) {
          const index = this.turns.findIndex((other) => other.id === turn.id);
          if (index < 0) this.turns.push(turn);
          else if (this.turns[index]?.status === "running") this.turns[index] = turn;
          this.live.delete(turn.id);
        }
        const order = new Map(this.records.map((record, index) => [record.id, index]));
        this.turns.sort((a, b) => (order.get(a.id) ?? Infinity) - (order.get(b.id) ?? Infinity) || 0);
      })
      .catch((error: unknown) => console.error("autodevops: the conversation could not be read", error))
      .finally(() => {
        this.restoring = false;
        this.changed();
      });
  };

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}

/** Sorts by time, as ids of the kernel's own turns do (autodevops/kernel/ids.py). */
function turnId(): string {
  return `${new Date().toISOString().replace(/[-:.]/g, "")}-${crypto.randomUUID().slice(0, 6)}`;
}

/** As `fitted` in wire.py. */
export async function fitted(records: TurnRecord[], limit = SAVED_CHARACTERS): Promise<TurnRecord[]> {
  const kept = [...records];
  const size = (): number => kept.reduce((sum, record) => sum + record.packed.length, 0);
  for (let index = 0; index < kept.length - 1 && size() > limit; index += 1) {
    const record = kept[index]!;
    const events = (await unpacked(record.packed)) as TurnEvent[];
    if (events.some((event) => event.type === "chart_ready")) kept[index] = { ...record, packed: await packed(events.filter((event) => event.type !== "chart_ready")) };
  }
  while (size() > limit && kept.length > 1) kept.shift();
  return kept;
}
