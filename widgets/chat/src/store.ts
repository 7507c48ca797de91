// The conversation of one widget model, shared by all its views and kept while no view is there.

import { applyEvent, newTurn, restoredTurn, type Turn } from "./turn_state";
import { isEventMessage, type TurnEvent, type TurnRecord } from "./wire";

/** The part of anywidget's model that we use. */
export interface Model {
  get(name: string): unknown;
  send(content: unknown): void;
  on(name: string, callback: (...args: never[]) => void): void;
  off(name: string, callback: (...args: never[]) => void): void;
}

interface Live {
  next: number;
  early: Map<number, TurnEvent>;
}

export class Store {
  readonly turns: Turn[] = [];
  /** What is typed but not sent; it survives a view that is drawn again. */
  draft = "";
  private readonly live = new Map<string, Live>();
  private readonly listeners = new Set<() => void>();

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
  }

  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get examples(): string[] {
    return (this.model.get("examples") as string[] | undefined) ?? [];
  }

  get running(): Turn | undefined {
    return this.turns.find((turn) => turn.status === "running");
  }

  ask(question: string): void {
    const text = question.trim();
    if (!text || this.running) return;
    const id = crypto.randomUUID();
    this.open(id, text);
    this.model.send({ type: "ask", id, question: text });
    this.changed();
  }

  stop(): void {
    const turn = this.running;
    if (turn) this.model.send({ type: "stop", id: turn.id });
  }

  private open(id: string, question: string): Turn {
    const turn = newTurn(id, question);
    this.turns.push(turn);
    this.live.set(id, { next: 0, early: new Map() });
    return turn;
  }

  private readonly onMessage = (content: unknown): void => {
    if (!isEventMessage(content)) return;
    const turn = this.turns.find((item) => item.id === content.turn) ?? this.open(content.turn, "");
    const live = this.live.get(turn.id);
    if (!live || content.seq < live.next) return;
    live.early.set(content.seq, content.event);
    if (!live.early.has(live.next)) {
      // Another page's turn, joined midway: its beginning is asked for once.
      if (live.early.size === 1) this.model.send({ type: "sync" });
      return;
    }
    for (let event = live.early.get(live.next); event; event = live.early.get(live.next)) {
      live.early.delete(live.next);
      live.next += 1;
      applyEvent(turn, event);
    }
    if (turn.status !== "running") this.live.delete(turn.id);
    this.changed();
  };

  /** Add what the trait has and we never saw; a turn seen live is left as it is. */
  private readonly restore = (): void => {
    const records = (this.model.get("turns") as TurnRecord[] | undefined) ?? [];
    let changed = false;
    for (const record of records) {
      const index = this.turns.findIndex((turn) => turn.id === record.id);
      if (index >= 0 && this.turns[index]?.status !== "running") continue;
      const turn = restoredTurn(record);
      if (index >= 0) this.turns[index] = turn;
      else this.turns.push(turn);
      this.live.delete(record.id);
      changed = true;
    }
    if (changed) this.changed();
  };

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}
