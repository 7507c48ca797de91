// Where the labels of onsets, changes and alerts go, so that none covers another. Pure.

import type { Mark } from "./nouns";

const LETTER_PX = 6.1; // of the 11 px labels, on average
const GAP_PX = 10;
const TOGETHER_PX = 9; // marks closer than this share one label
const ROWS = 4;
const LETTERS = 30;
const RANK = { onset: 0, change: 1, alert: 2 } as const;

/** Marks at one moment of the chart, or nearly. `text` is empty where no label finds room; the read-out has it then. */
export interface PlacedMark {
  marks: Mark[];
  kind: Mark["kind"];
  x: number;
  text: string;
  row: number;
  anchor: "start" | "end";
}

export function markSeconds(mark: Mark): number {
  return Date.parse(mark.at) / 1000;
}

/** `xOf` gives pixels; labels stay within `[left, right]`. The more telling kind gets its place first. */
export function placeMarks(marks: readonly Mark[], xOf: (at: number) => number, left: number, right: number): { placed: PlacedMark[]; rows: number } {
  const groups: PlacedMark[] = [];
  const inside = marks.filter((mark) => xOf(markSeconds(mark)) >= left - 0.5 && xOf(markSeconds(mark)) <= right + 0.5);
  for (const mark of [...inside].sort((a, b) => RANK[a.kind] - RANK[b.kind] || markSeconds(a) - markSeconds(b))) {
    const x = xOf(markSeconds(mark));
    const near = groups.find((group) => group.kind === mark.kind && Math.abs(group.x - x) < TOGETHER_PX);
    if (near) near.marks.push(mark);
    else groups.push({ marks: [mark], kind: mark.kind, x, text: "", row: -1, anchor: "start" });
  }
  const taken: [number, number][][] = Array.from({ length: ROWS }, () => []);
  let rows = 0;
  for (const group of groups) {
    const text = labelOf(group.marks);
    const size = text.length * LETTER_PX + 7;
    // To the right of its line where there is room, else to the left; first the topmost free row.
    const spans = (["start", "end"] as const)
      .map((anchor): ["start" | "end", number, number] => (anchor === "start" ? [anchor, group.x - 4, group.x + size] : [anchor, group.x - size, group.x + 4]))
      .filter(([, from, to]) => from >= left - 46 && to <= right + 12);
    for (const row of taken.keys()) {
      const free = spans.find(([, from, to]) => taken[row]?.every(([a, b]) => to + GAP_PX < a || from - GAP_PX > b));
      if (!free) continue;
      taken[row]?.push([free[1], free[2]]);
      Object.assign(group, { text, row, anchor: free[0] });
      rows = Math.max(rows, row + 1);
      break;
    }
  }
  return { placed: groups, rows };
}

function labelOf(marks: readonly Mark[]): string {
  const label = marks[0]?.label ?? "";
  const short = label.length > LETTERS ? `${label.slice(0, LETTERS - 1)}…` : label;
  if (marks.length === 1) return short;
  return marks.every((mark) => mark.label === label) ? `${short} ×${marks.length}` : `${short} +${marks.length - 1}`;
}
