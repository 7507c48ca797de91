// Lines over time, stacked by level: click a bar, drag over several, or use the arrow keys to keep what falls in them.

import { h, s } from "./dom";
import { clock } from "./format";
import { type Bucket, LEVELS } from "./log_lines";

const HEIGHT = 46;
const DRAG_PX = 4;

export interface Histogram {
  element: HTMLElement;
  set(buckets: Bucket[], chosen: readonly [number, number] | null): void;
}

export function histogramView(choose: (range: [number, number] | null) => void): Histogram {
  const svg = s("svg", { class: "adj-histogram", height: HEIGHT, tabindex: 0, role: "group", preserveAspectRatio: "none", "aria-label": "Lines over time. Arrow keys move, Enter keeps that time, Shift with arrows widens it, Escape shows all." });
  const said = h("span", { class: "adj-histogram-said", role: "status" });
  const ends = [h("span"), h("span")] as const;
  const element = h("div", { class: "adj-histogram-box" }, svg, h("div", { class: "adj-histogram-axis" }, ends[0], said, ends[1]));
  let buckets: Bucket[] = [];
  let chosen: readonly [number, number] | null = null;
  let cursor = -1;
  let anchor = -1;
  let dragged: { x: number; bucket: number } | null = null;

  const draw = (): void => {
    const most = Math.max(1, ...buckets.map((bucket) => bucket.total));
    svg.setAttribute("viewBox", `0 0 ${Math.max(1, buckets.length)} ${HEIGHT}`);
    const bars = buckets.map((bucket, index) => {
      const inside = !chosen || (bucket.from >= chosen[0] && bucket.to <= chosen[1]);
      const group = s("g", { class: `adj-bucket${inside ? "" : " adj-bucket-out"}${index === cursor ? " adj-bucket-cursor" : ""}` });
      group.append(s("rect", { class: "adj-bucket-back", x: index, y: 0, width: 1, height: HEIGHT }));
      let y = HEIGHT;
      for (const name of LEVELS) {
        if (!bucket.counts[name]) continue;
        const height = Math.max(1.5, (bucket.counts[name] / most) * (HEIGHT - 4));
        y -= height;
        group.append(s("rect", { class: `adj-log-${name} adj-bucket-bar`, x: index + 0.08, y, width: 0.84, height }));
      }
      return group;
    });
    svg.replaceChildren(...bars);
    ends[0].textContent = buckets[0] ? clock(buckets[0].from) : "";
    ends[1].textContent = buckets.length ? `${clock(buckets.at(-1)?.to ?? 0)} UTC` : "";
  };
  const bucketAt = (event: PointerEvent): number => {
    const box = svg.getBoundingClientRect();
    return Math.max(0, Math.min(buckets.length - 1, Math.floor(((event.clientX - box.left) / (box.width || 1)) * buckets.length)));
  };
  const say = (index: number): void => {
    const bucket = buckets[index];
    if (!bucket) return;
    const counts = LEVELS.filter((name) => bucket.counts[name]).map((name) => `${bucket.counts[name]} ${name === "none" ? "other" : name}`);
    said.textContent = `${clock(bucket.from)} to ${clock(bucket.to)}: ${counts.join(", ") || "no lines"}`;
  };
  const keep = (a: number, b: number): void => {
    const [first, last] = [buckets[Math.min(a, b)], buckets[Math.max(a, b)]];
    if (first && last) choose([first.from, last.to]);
  };
  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    dragged = { x: event.clientX, bucket: bucketAt(event) };
    svg.setPointerCapture?.(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    cursor = bucketAt(event);
    say(cursor);
    if (!dragged) return;
    const [a, b] = [Math.min(dragged.bucket, cursor), Math.max(dragged.bucket, cursor)];
    for (const [index, bar] of [...svg.children].entries()) bar.classList.toggle("adj-bucket-cursor", index >= a && index <= b);
  });
  svg.addEventListener("pointerup", (event) => {
    const start = dragged;
    dragged = null;
    if (!start) return;
    const end = bucketAt(event);
    const again = Math.abs(event.clientX - start.x) < DRAG_PX && chosen && buckets[end]?.from === chosen[0] && buckets[end]?.to === chosen[1];
    if (again) choose(null);
    else keep(start.bucket, end);
  });
  svg.addEventListener("pointercancel", () => (dragged = null));
  svg.addEventListener("pointerleave", () => (said.textContent = ""));
  svg.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (move) {
      const next = Math.max(0, Math.min(buckets.length - 1, cursor < 0 ? (move > 0 ? 0 : buckets.length - 1) : cursor + move));
      if (event.shiftKey && anchor < 0) anchor = Math.max(0, cursor);
      if (!event.shiftKey) anchor = -1;
      cursor = next;
      say(cursor);
      if (event.shiftKey) keep(anchor, cursor);
      else draw();
    } else if ((event.key === "Enter" || event.key === " ") && cursor >= 0) keep(cursor, cursor);
    else if (event.key === "Escape" && chosen) choose(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return {
    element,
    set(next, range) {
      buckets = next;
      chosen = range;
      if (cursor >= buckets.length) cursor = -1;
      element.hidden = buckets.length < 2;
      draw();
    },
  };
}
