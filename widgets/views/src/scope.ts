// What the parts of one turn share.

/** A citation chip for an evidence id. */
export type Cite = (id: string) => Node;

export const COLOURS = 8; // --adj-c0 to --adj-c7

export interface TurnScope {
  /** A citation chip for an evidence id. */
  cite: Cite;
  /** Ask something next, as if typed. */
  ask(question: string): void;
  /** The moment under the pointer, in Unix seconds, shared by all charts of the turn. */
  cursor: Cursor;
  /** The colour of a service or series, the same in every chart of the turn: 0 to 7. */
  colour(name: string): number;
}

export function colours(): (name: string) => number {
  const known = new Map<string, number>();
  return (name) => {
    const colour = known.get(name) ?? known.size % COLOURS;
    known.set(name, colour);
    return colour;
  };
}

export class Cursor {
  private readonly listeners = new Set<(at: number | null) => void>();

  set(at: number | null): void {
    for (const listener of this.listeners) listener(at);
  }

  listen(listener: (at: number | null) => void): void {
    this.listeners.add(listener);
  }
}

/** A chart or table, as placed in a turn. */
export interface Part {
  element: HTMLElement;
  destroy(): void;
}
