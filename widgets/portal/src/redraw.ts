// Sections are drawn anew each time they are read. Whoever works with keys, or has scrolled a list, stays where they were.

const STOPS = "a[href], button, summary, [tabindex]";

/** Replace what is in `place`. The focus goes to what has the same name now, else to what stands in the same place. */
export function redraw(place: HTMLElement, ...nodes: Node[]): void {
  const before = stops(place);
  const at = before.indexOf(document.activeElement as HTMLElement);
  const focused = before[at];
  const scrolled = before.filter((one) => one.scrollTop > 0).map((one) => ({ name: named(one), top: one.scrollTop }));
  place.replaceChildren(...nodes);
  const now = stops(place);
  if (focused) (now.find((one) => named(one) === named(focused)) ?? now[at])?.focus({ preventScroll: true });
  for (const { name, top } of scrolled) for (const one of now) if (named(one) === name) one.scrollTop = top;
}

function stops(place: HTMLElement): HTMLElement[] {
  return [...place.querySelectorAll<HTMLElement>(STOPS)];
}

function named(element: HTMLElement): string {
  return element.getAttribute("aria-label") ?? element.textContent ?? "";
}
