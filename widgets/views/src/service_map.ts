// Who calls whom: boxes in layers, callers before callees; how each fares, who is suspected, and the way the trouble took.

import { disclosure, h, s } from "./dom";
import { duration, quantity } from "./format";
import { layout, type Placed } from "./layered";
import type { MapCall, MapService, ServiceMap } from "./nouns";
import type { Part, ViewScope } from "./scope";

const BOX = { width: 184, height: 58, between: 16, layers: 58 };
const NARROW_PX = 620; // below it the map runs downwards
const TALLEST_PX = 460;
const LEAST_SCALE = 0.55; // smaller text cannot be read: the map is panned instead
const ZOOM_STEP = 1.25;
const BAD_RATIO = 0.01; // of failed requests, from which a number is coloured
const LETTERS = 21;
const ROLES = { "": "", suspect: "suspected cause", suffers: "suffers from it" } as const;

export function serviceMap(chart: ServiceMap, scope: ViewScope): Part {
  const element = h("section", { class: "adj-part adj-map", "aria-label": `Service map: ${chart.title}` });
  const suspect = chart.services.find((service) => service.role === "suspect");
  const buttons = (["in", "out", "fit"] as const).map((what) =>
    h("button", { class: "adj-button adj-quiet adj-map-zoom", type: "button", "aria-label": { in: "Zoom in", out: "Zoom out", fit: "Fit: show the whole map" }[what] }, { in: "+", out: "−", fit: "Fit" }[what]),
  );
  element.append(
    h(
      "header",
      {},
      h("h4", {}, chart.title),
      h("span", { class: "adj-muted" }, `${chart.services.length} services · ${chart.calls.length} calls${chart.left_out ? ` · ${chart.left_out} more left out` : ""}`),
      suspect && h("span", { class: "adj-bad" }, `suspect: ${suspect.name}`),
      h("span", { class: "adj-row adj-map-zooms" }, ...buttons),
      h("span", { class: "adj-cites" }, ...chart.evidence.slice(0, 6).map(scope.cite)),
    ),
  );
  if (chart.services.length === 0) {
    element.append(h("p", { class: "adj-muted" }, "No call between services was seen."));
    return { element, destroy: () => undefined };
  }
  const drawing = s("g");
  const svg = s("svg", { class: "adj-map-plot", role: "group", "aria-label": `${chart.title}. Arrow keys follow calls, Enter shows a service's calls, plus and minus zoom.` }, arrowHead(), drawing);
  const stage = h("div", { class: "adj-stage" }, svg);
  const about = h("div", { class: "adj-map-about", role: "status" });
  element.append(stage, about, disclosure("adj-fold", [h("span", {}, "Calls as a table")], () => callTable(chart)).element);

  let width = 0;
  let placing = layout(chart.services, chart.calls, BOX, false);
  let view = { x: 0, y: 0, scale: 1 };
  let current = suspect?.id ?? placing.layers[0]?.[0] ?? "";
  let selected = "";
  const boxes = new Map<string, SVGGElement>();
  const arrows: { call: MapCall; element: SVGGElement }[] = [];

  const move = (): void => drawing.setAttribute("transform", `translate(${view.x.toFixed(1)} ${view.y.toFixed(1)}) scale(${view.scale.toFixed(3)})`);
  const height = (): number => Math.min(TALLEST_PX, Math.max(140, placing.height * fitted() + 24));
  const fitted = (): number => Math.max(LEAST_SCALE, Math.min(1, (width - 16) / (placing.width || 1), down() ? 1 : (TALLEST_PX - 24) / (placing.height || 1)));
  const down = (): boolean => width < NARROW_PX;
  const fit = (): void => {
    const scale = fitted();
    const middle = placing.placed.get(current);
    const place = (room: number, size: number, at: number): number =>
      size <= room - 16 ? (room - size) / 2 : Math.max(room - size - 8, Math.min(8, room / 2 - at)); // too large: the suspect is in the middle
    view = {
      scale,
      x: place(width, placing.width * scale, ((middle?.x ?? 0) + BOX.width / 2) * scale),
      y: place(height(), placing.height * scale, ((middle?.y ?? 0) + BOX.height / 2) * scale),
    };
    move();
  };
  const zoom = (factor: number, x = width / 2, y = height() / 2): void => {
    const scale = Math.max(0.3, Math.min(2.5, view.scale * factor));
    view = { scale, x: x - ((x - view.x) * scale) / view.scale, y: y - ((y - view.y) * scale) / view.scale };
    move();
  };
  /** Moves the map as little as brings a box in sight. */
  const reveal = (at: Placed): void => {
    const [left, top] = [view.x + at.x * view.scale, view.y + at.y * view.scale];
    const [right, bottom] = [left + BOX.width * view.scale, top + BOX.height * view.scale];
    if (left < 4) view.x += 4 - left;
    else if (right > width - 4) view.x += width - 4 - right;
    if (top < 4) view.y += 4 - top;
    else if (bottom > height() - 4) view.y += height() - 4 - bottom;
    move();
  };

  const mark = (): void => {
    const about_id = selected || (svg.contains(document.activeElement) ? current : "");
    const near = new Set([about_id, ...chart.calls.flatMap((call) => (call.caller === about_id ? [call.callee] : call.callee === about_id ? [call.caller] : []))]);
    for (const [id, box] of boxes) {
      box.classList.toggle("adj-map-dim", about_id !== "" && !near.has(id));
      box.setAttribute("aria-pressed", String(id === selected));
      box.setAttribute("tabindex", id === current ? "0" : "-1");
    }
    for (const { call, element: arrow } of arrows) arrow.classList.toggle("adj-map-dim", about_id !== "" && call.caller !== about_id && call.callee !== about_id);
    tell(chart, selected, about);
  };
  const go = (id: string | undefined): void => {
    const at = id === undefined ? undefined : placing.placed.get(id);
    if (!at) return;
    current = at.id;
    reveal(at);
    boxes.get(current)?.focus({ preventScroll: true });
    mark();
  };

  const draw = (): void => {
    placing = layout(chart.services, chart.calls, BOX, down());
    svg.setAttribute("width", String(width));
    svg.setAttribute("height", String(height()));
    boxes.clear();
    arrows.length = 0;
    for (const call of chart.calls) {
      const [from, to] = [placing.placed.get(call.caller), placing.placed.get(call.callee)];
      if (from && to && from !== to) arrows.push({ call, element: arrow(call, from, to, down()) });
    }
    for (const service of chart.services) {
      const at = placing.placed.get(service.id);
      if (at) boxes.set(service.id, box(service, at));
    }
    drawing.replaceChildren(...arrows.map((one) => one.element), ...boxes.values());
    for (const [id, shape] of boxes) {
      shape.addEventListener("click", () => {
        if (moved) return;
        selected = selected === id ? "" : id;
        go(id);
      });
      shape.addEventListener("keydown", (event) => onKey(event, id));
      shape.addEventListener("focus", mark);
      shape.addEventListener("blur", () => queueMicrotask(mark));
    }
    fit();
    mark();
  };

  const onKey = (event: KeyboardEvent, id: string): void => {
    const at = placing.placed.get(id);
    if (!at || event.ctrlKey || event.metaKey || event.altKey) return;
    const [ahead, behind, next, last] = down() ? ["ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft"] : ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"];
    const beside = (by: number): string | undefined => placing.layers[at.layer]?.[at.place + by];
    if (event.key === ahead) go(chart.calls.filter((call) => call.caller === id).map((call) => call.callee).sort(byPlace)[0]);
    else if (event.key === behind) go(chart.calls.filter((call) => call.callee === id).map((call) => call.caller).sort(byPlace)[0]);
    else if (event.key === next) go(beside(1));
    else if (event.key === last) go(beside(-1));
    else if (event.key === "Enter" || event.key === " ") {
      selected = selected === id ? "" : id;
      mark();
    } else if (event.key === "Escape" && selected) {
      selected = "";
      mark();
    } else if (event.key === "+" || event.key === "=") zoom(ZOOM_STEP);
    else if (event.key === "-") zoom(1 / ZOOM_STEP);
    else if (event.key === "0") fit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const byPlace = (a: string, b: string): number => (placing.placed.get(a)?.place ?? 0) - (placing.placed.get(b)?.place ?? 0);

  let held: { x: number; y: number; view: typeof view } | null = null;
  let moved = false;
  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    moved = false;
    held = { x: event.clientX, y: event.clientY, view };
  });
  svg.addEventListener("pointermove", (event) => {
    if (!held) return;
    const [x, y] = [event.clientX - held.x, event.clientY - held.y];
    if (!moved && Math.hypot(x, y) < 5) return;
    if (!moved) svg.setPointerCapture?.(event.pointerId);
    moved = true;
    view = { ...held.view, x: held.view.x + x, y: held.view.y + y };
    move();
  });
  for (const over of ["pointerup", "pointercancel"] as const) svg.addEventListener(over, () => (held = null));
  svg.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the wheel alone scrolls the page
      event.preventDefault();
      const place = svg.getBoundingClientRect();
      zoom(event.deltaY < 0 ? 1.1 : 1 / 1.1, event.clientX - place.left, event.clientY - place.top);
    },
    { passive: false },
  );
  const [closer, further, whole] = buttons;
  closer?.addEventListener("click", () => zoom(ZOOM_STEP));
  further?.addEventListener("click", () => zoom(1 / ZOOM_STEP));
  whole?.addEventListener("click", fit);

  const resize = (): void => {
    const next = Math.floor(stage.clientWidth) || 760;
    if (next === width) return;
    width = next;
    draw();
  };
  const observer = typeof ResizeObserver === "undefined" ? undefined : new ResizeObserver(resize);
  observer?.observe(stage);
  if (!observer) resize();
  return { element, destroy: () => observer?.disconnect() };
}

function arrowHead(): SVGElement {
  return s("defs", {}, ...["", "-bad"].map((kind) => s("marker", { id: `adj-arrow${kind}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" }, s("path", { class: `adj-map-head${kind}`, d: "M0 0.5L8 4L0 7.5z" }))));
}

function box(service: MapService, at: Placed): SVGGElement {
  const name = service.name.length > LETTERS ? `${service.name.slice(0, LETTERS - 1)}…` : service.name;
  const numbers = figures(service);
  const bad = (service.error_ratio ?? 0) >= BAD_RATIO;
  return s(
    "g",
    {
      class: `adj-map-box${service.role ? ` adj-map-${service.role}` : ""}`,
      transform: `translate(${at.x} ${at.y})`,
      role: "button",
      tabindex: -1,
      "aria-label": [name, service.role ? ROLES[service.role] : service.kind, numbers.join("  ·  ")].filter(Boolean).join(" "),
    },
    name !== service.name && s("title", {}, service.name),
    s("rect", { width: BOX.width, height: BOX.height, rx: 7 }),
    s("text", { class: "adj-map-name", x: 10, y: 18 }, name),
    " ",
    s("text", { class: "adj-map-kind", x: 10, y: 33 }, service.role ? ROLES[service.role] : service.kind),
    " ",
    s("text", { class: bad ? "adj-map-figures adj-map-bad" : "adj-map-figures", x: 10, y: 48 }, numbers.join("  ·  ")),
  );
}

/** Rate, errors and latency as far as they are known. */
export function figures(service: Pick<MapService, "rate" | "error_ratio" | "latency_s">): string[] {
  return [
    service.rate !== null && `${quantity(service.rate, "{request}/s")}/s`,
    service.error_ratio !== null && `${Number((service.error_ratio * 100).toFixed(1))} % err`,
    service.latency_s !== null && duration(service.latency_s * 1000),
  ].filter((text): text is string => text !== false);
}

function arrow(call: MapCall, from: Placed, to: Placed, down: boolean): SVGGElement {
  const { width, height } = BOX;
  const backward = to.layer <= from.layer;
  const [x1, y1] = down ? [from.x + width / 2, from.y + height] : [from.x + width, from.y + height / 2];
  const [x2, y2] = down ? [to.x + width / 2, to.y - 2] : [to.x - 2, to.y + height / 2];
  const reach = backward ? 46 : Math.max(24, (down ? y2 - y1 : x2 - x1) / 2);
  const d = down ? `M${x1} ${y1}C${x1} ${y1 + reach} ${x2} ${y2 - reach} ${x2} ${y2}` : `M${x1} ${y1}C${x1 + reach} ${y1} ${x2 - reach} ${y2} ${x2} ${y2}`;
  const bad = call.failed > 0;
  const classes = ["adj-map-call", bad && "adj-map-call-bad", call.count === 0 && "adj-map-call-configured", call.on_path && "adj-map-call-path"];
  return s("g", { class: classes.filter(Boolean).join(" ") }, s("title", {}, said(call)), s("path", { class: "adj-map-reach", d }), s("path", { class: "adj-map-line", d, "marker-end": `url(#adj-arrow${bad ? "-bad" : ""})` }));
}

function said(call: MapCall): string {
  if (call.count === 0 && call.rate === null) return "configured, not seen in a trace";
  const parts = [
    call.rate !== null && `${quantity(call.rate, "{call}/s")} calls/s`,
    call.count > 0 && `${call.count} ${call.count === 1 ? "call" : "calls"} seen`,
    call.count > 0 && `${call.failed} failed`,
    call.latency_s !== null && `median ${duration(call.latency_s * 1000)}`,
  ];
  return parts.filter(Boolean).join(", ");
}

function tell(chart: ServiceMap, id: string, about: HTMLElement): void {
  const service = chart.services.find((one) => one.id === id);
  if (!service) return about.replaceChildren();
  const name = (other: string): string => chart.services.find((one) => one.id === other)?.name ?? other;
  const column = (title: string, calls: MapCall[], other: (call: MapCall) => string): HTMLElement =>
    h("div", {}, h("h5", {}, title), calls.length ? h("ul", {}, ...calls.map((call) => h("li", {}, h("b", {}, name(other(call))), " ", h("span", { class: call.failed ? "adj-bad" : "adj-muted" }, said(call))))) : h("p", { class: "adj-muted" }, "None seen."));
  about.replaceChildren(
    h("div", {}, h("b", {}, service.name), " ", h("span", { class: "adj-muted" }, [service.kind, ROLES[service.role], ...figures(service)].filter(Boolean).join(" · "))),
    h(
      "div",
      { class: "adj-columns" },
      column("Called by", chart.calls.filter((call) => call.callee === id), (call) => call.caller),
      column("Calls", chart.calls.filter((call) => call.caller === id), (call) => call.callee),
    ),
  );
}

function callTable(chart: ServiceMap): HTMLElement {
  const name = (id: string): string => chart.services.find((one) => one.id === id)?.name ?? id;
  const head = h("tr", {}, ...["Caller", "Callee", "Calls seen", "Failed", "Median"].map((text) => h("th", { scope: "col" }, text)));
  const rows = chart.calls.map((call) =>
    h("tr", {}, ...[name(call.caller), name(call.callee), call.count ? String(call.count) : "configured only", call.count ? String(call.failed) : "", call.latency_s === null ? "" : duration(call.latency_s * 1000)].map((text) => h("td", {}, text))),
  );
  return h("div", { class: "adj-scroll-x" }, h("table", { class: "adj-pattern-table", "aria-label": `Calls of ${chart.title}` }, h("thead", {}, head), h("tbody", {}, ...rows)));
}

