// Where services stand on a map: callers before callees, in layers, with few crossings. The same map gives the same picture.
//
// After Sugiyama, Tagawa and Toda (1981): break circles, longest path for layers, then a few sweeps of barycentres.

import type { MapCall, MapService } from "./nouns";

const SWEEPS = 6;

export interface Box {
  width: number;
  height: number;
  between: number; // boxes of one layer
  layers: number; // from one layer to the next
}

export interface Placed {
  id: string;
  layer: number;
  place: number;
  x: number;
  y: number;
}

export interface Layout {
  placed: Map<string, Placed>;
  layers: string[][];
  width: number;
  height: number;
}

export function layout(services: readonly MapService[], calls: readonly MapCall[], box: Box, down: boolean): Layout {
  const ids = services.map((service) => service.id).sort();
  const known = new Set(ids);
  const edges = calls
    .filter((call) => known.has(call.caller) && known.has(call.callee) && call.caller !== call.callee)
    .sort((a, b) => (`${a.caller}\n${a.callee}` < `${b.caller}\n${b.callee}` ? -1 : 1));
  const forward = acyclic(ids, edges);
  const layerOf = longestPaths(ids, forward);
  const layers: string[][] = [];
  for (const id of ids) (layers[layerOf.get(id) ?? 0] ??= []).push(id);
  const filled = layers.filter((layer) => layer !== undefined && layer.length > 0);
  untangle(filled, forward);
  const [step, across] = down ? [box.height + box.layers, box.width + box.between] : [box.width + box.layers, box.height + box.between];
  const widest = Math.max(1, ...filled.map((layer) => layer.length));
  const placed = new Map<string, Placed>();
  for (const [layer, members] of filled.entries()) {
    const offset = ((widest - members.length) * across) / 2;
    for (const [place, id] of members.entries()) {
      const [along, beside] = [layer * step, offset + place * across];
      placed.set(id, { id, layer, place, x: down ? beside : along, y: down ? along : beside });
    }
  }
  const [length, breadth] = [Math.max(0, filled.length * step - box.layers), Math.max(0, widest * across - box.between)];
  return { placed, layers: filled, width: down ? breadth : length, height: down ? length : breadth };
}

type Pair = readonly [string, string];

/** The calls with those that close a circle turned round; services nobody calls are walked first. */
function acyclic(ids: readonly string[], edges: readonly MapCall[]): Pair[] {
  const next = new Map<string, string[]>();
  const called = new Set(edges.map((edge) => edge.callee));
  for (const edge of edges) next.set(edge.caller, [...(next.get(edge.caller) ?? []), edge.callee].sort());
  const state = new Map<string, "open" | "done">();
  const back = new Set<string>();
  for (const root of [...ids.filter((id) => !called.has(id)), ...ids]) {
    if (state.has(root)) continue;
    state.set(root, "open");
    const path: { id: string; left: string[] }[] = [{ id: root, left: [...(next.get(root) ?? [])] }];
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const to = top.left.shift();
      if (to === undefined) {
        state.set(top.id, "done");
        path.pop();
      } else if (state.get(to) === "open") back.add(`${top.id}\n${to}`);
      else if (!state.has(to)) {
        state.set(to, "open");
        path.push({ id: to, left: [...(next.get(to) ?? [])] });
      }
    }
  }
  return edges.map((edge): Pair => (back.has(`${edge.caller}\n${edge.callee}`) ? [edge.callee, edge.caller] : [edge.caller, edge.callee]));
}

function longestPaths(ids: readonly string[], pairs: readonly Pair[]): Map<string, number> {
  const layer = new Map(ids.map((id): [string, number] => [id, 0]));
  const waiting = new Map(ids.map((id): [string, number] => [id, pairs.filter((pair) => pair[1] === id).length]));
  const ready = ids.filter((id) => waiting.get(id) === 0);
  for (let id = ready.shift(); id !== undefined; id = ready.shift()) {
    for (const [from, to] of pairs) {
      if (from !== id) continue;
      layer.set(to, Math.max(layer.get(to) ?? 0, (layer.get(id) ?? 0) + 1));
      waiting.set(to, (waiting.get(to) ?? 0) - 1);
      if (waiting.get(to) === 0) ready.push(to);
    }
  }
  return layer;
}

function untangle(layers: string[][], pairs: readonly Pair[]): void {
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const order = sweep % 2 ? [...layers].reverse() : layers;
    const share = new Map(layers.flatMap((layer) => layer.map((id, place): [string, number] => [id, (place + 1) / (layer.length + 1)])));
    for (const layer of order.slice(1)) {
      const middle = new Map(
        layer.map((id): [string, number] => {
          const near = pairs.flatMap(([a, b]) => (sweep % 2 ? (a === id ? [b] : []) : b === id ? [a] : [])).map((one) => share.get(one) ?? 0.5);
          return [id, near.length ? near.reduce((sum, one) => sum + one, 0) / near.length : (share.get(id) ?? 0.5)];
        }),
      );
      layer.sort((a, b) => (middle.get(a) ?? 0) - (middle.get(b) ?? 0) || (a < b ? -1 : 1));
      for (const [place, id] of layer.entries()) share.set(id, (place + 1) / (layer.length + 1));
    }
  }
}
