// What views that are shown together share: colours, the moment under the pointer, chips for evidence.

/** A citation chip for an evidence id. */
export type Cite = (id: string) => Node;

export const COLOURS = 8; // --adj-c0 to --adj-c7

export interface ViewScope {
  /** A citation chip for an evidence id. */
  cite: Cite;
  /** The moment under the pointer, in Unix seconds, shared by all charts of the turn. */
  cursor: Cursor;
  /** The colour of a service or series, the same in every chart of the turn: 0 to 7. */
  colour(name: string): number;
}

export interface TurnScope extends ViewScope {
  /** Ask something next, as if typed. */
  ask(question: string): void;
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

  /** Returns how to stop listening. */
  listen(listener: (at: number | null) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** A chart or table, as placed in a turn. */
export interface Part {
  element: HTMLElement;
  destroy(): void;
}
