// Stands for anywidget's model: what was sent, what it holds, who listens.

import type { TurnEvent } from "../src/wire";

export class FakeModel {
  sent: { type: string; id?: string; question?: string }[] = [];
  state: { [name: string]: unknown } = { turns: [], examples: ["Why are requests failing?"] };
  private readonly handlers = new Map<string, Set<(...values: unknown[]) => void>>();
  get(name: string): unknown {
    return this.state[name];
  }
  set(name: string, value: unknown): void {
    this.state[name] = value;
    this.fire(`change:${name}`);
  }
  send(message: unknown): void {
    this.sent.push(message as { type: string });
  }
  on(name: string, callback: (...args: never[]) => void): void {
    this.handlers.set(name, (this.handlers.get(name) ?? new Set()).add(callback as () => void));
  }
  off(name: string, callback: (...args: never[]) => void): void {
    this.handlers.get(name)?.delete(callback as () => void);
  }
  fire(name: string, ...values: unknown[]): void {
    for (const handler of this.handlers.get(name) ?? []) handler(...values);
  }
  event(turn: string, seq: number, event: TurnEvent): void {
    this.fire("msg:custom", { type: "events", turn, seq, events: [event] });
  }
  asked(): string {
    return this.sent.filter((message) => message.type === "ask").at(-1)?.id ?? "";
  }
  last(type: string): { id?: string } | undefined {
    return this.sent.filter((message) => message.type === type).at(-1);
  }
  listeners(): number {
    return [...this.handlers.values()].reduce((sum, set) => sum + set.size, 0);
  }
}
