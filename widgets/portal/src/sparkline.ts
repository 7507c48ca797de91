// A line without axes beside a number: how it went over the window, from zero.

import { s } from "../../views/src/dom";

const [WIDTH, HEIGHT] = [96, 24];

export function sparkline(points: (number | null)[], bad: boolean): SVGSVGElement {
  const known = points.filter((value): value is number => value !== null);
  const top = Math.max(...known, 0) || 1;
  const x = (index: number): number => (points.length < 2 ? 0 : (index / (points.length - 1)) * (WIDTH - 2) + 1);
  const y = (value: number): number => HEIGHT - 2 - (Math.max(0, value) / top) * (HEIGHT - 4);
  let path = "";
  let pen = false;
  points.forEach((value, index) => {
    if (value !== null) path += `${pen ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = value !== null;
  });
  return s(
    "svg",
    { class: `adp-spark${bad ? " adp-spark-bad" : ""}`, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    s("path", { d: path, "vector-effect": "non-scaling-stroke" }),
  );
}
