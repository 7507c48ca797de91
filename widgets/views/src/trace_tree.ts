// Spans as trees, what of them is in sight, and what a search finds. Pure.

import type { Span } from "./nouns";

export interface Row {
  span: Span;
  depth: number;
  start: number;
  children: Row[];
  parent: Row | null;
  open: boolean;
  /** Spans below it. */
  below: number;
  /** Failed spans below it. */
  failures: number;
}

/** Spans as trees, in order of start; a span whose parent is not here is a root, as is one of a circle. */
export function spanTree(spans: readonly Span[]): Row[] {
  const rows = new Map(
    spans.map((span): [string, Row] => [span.span_id, { span, depth: 0, start: startMs(span), children: [], parent: null, open: true, below: 0, failures: 0 }]),
  );
  const roots: Row[] = [];
  for (const row of rows.values()) {
    const parent = rows.get(row.span.parent_span_id);
    if (!parent || within(parent, row)) roots.push(row);
    else {
      row.parent = parent;
      parent.children.push(row);
    }
  }
  roots.sort((a, b) => a.start - b.start);
  const order: Row[] = [];
  const pending = [...roots];
  for (let row = pending.pop(); row; row = pending.pop()) {
    row.depth = row.parent ? row.parent.depth + 1 : 0;
    row.children.sort((a, b) => a.start - b.start);
    order.push(row);
    pending.push(...row.children);
  }
  for (const row of order.reverse()) {
    if (!row.parent) continue;
    row.parent.below += row.below + 1;
    row.parent.failures += row.failures + (row.span.status === "error" ? 1 : 0);
  }
  return roots;
}

function within(row: Row, other: Row): boolean {
  for (let above: Row | null = row; above; above = above.parent) if (above === other) return true;
  return false;
}

/** Milliseconds with their microseconds, which Date.parse drops. */
export function startMs(span: Span): number {
  const micros = /\.\d{3}(\d{1,6})/.exec(span.start)?.[1];
  return Date.parse(span.start) + (micros ? Number(`0.${micros}`) : 0);
}

/** Rows from top to bottom, without those under closed ones. */
export function visible(roots: readonly Row[], every = false): Row[] {
  const found: Row[] = [];
  const pending = [...roots].reverse();
  for (let row = pending.pop(); row; row = pending.pop()) {
    found.push(row);
    if (row.open || every) pending.push(...[...row.children].reverse());
  }
  return found;
}

/** Whether every word of `query` stands in the span's service, name, status or attributes; `key=value` asks one attribute. */
export function matches(span: Span, query: string): boolean {
  const attributes = [...Object.entries(span.attributes), ...Object.entries(span.resource)];
  const text = [span.service, span.name, span.kind, span.status, span.status_message, ...attributes.map(([name, value]) => `${name}=${value}`)].join("\n").toLowerCase();
  return query.toLowerCase().split(/\s+/).filter(Boolean).every((word) => text.includes(word));
}
