// Thousands of rows, of which only those in sight are elements. Rows may differ in height: they are measured once drawn.

const OVERSCAN = 12; // rows drawn beyond each edge, so that a quick scroll shows no white
const UNSEEN_PX = 420; // the height taken for a list that is not laid out yet

export class VirtualRows<T> {
  private items: readonly T[] = [];
  private readonly heights = new Map<string, number>();
  private offsets: number[] = [0];
  private shown = "";
  private waiting = 0;

  /** `body` holds the rows and `viewport` scrolls; lists of at most `whole` rows are drawn at once, without a scroll bar. */
  constructor(
    readonly viewport: HTMLElement,
    private readonly body: HTMLElement,
    private readonly options: { row: (item: T, index: number) => HTMLElement; key: (item: T) => string; height: number; whole: number },
  ) {
    viewport.addEventListener("scroll", () => {
      this.waiting ||= requestAnimationFrame(() => {
        this.waiting = 0;
        this.draw();
      });
    });
  }

  set(items: readonly T[]): void {
    this.items = items;
    this.viewport.classList.toggle("adj-windowed", items.length > this.options.whole);
    this.measure();
    this.draw(true);
  }

  /** Brings row `index` in sight and returns its element. */
  reveal(index: number): HTMLElement | undefined {
    if (this.items.length > this.options.whole) {
      const top = this.offsets[index] ?? 0;
      const bottom = this.offsets[index + 1] ?? top;
      const height = this.viewport.clientHeight || UNSEEN_PX;
      if (top < this.viewport.scrollTop) this.viewport.scrollTop = top;
      else if (bottom > this.viewport.scrollTop + height) this.viewport.scrollTop = bottom - height;
      this.draw();
    }
    return [...this.body.children].find((row) => row.getAttribute("data-row") === String(index)) as HTMLElement | undefined;
  }

  private measure(): void {
    let at = 0;
    this.offsets = [0, ...this.items.map((item) => (at += this.heights.get(this.options.key(item)) ?? this.options.height))];
  }

  private draw(anew = false): void {
    const total = this.items.length;
    const all = total <= this.options.whole;
    const top = this.viewport.scrollTop;
    const first = all ? 0 : Math.max(0, before(this.offsets, top) - OVERSCAN);
    const last = all ? total : Math.min(total, before(this.offsets, top + (this.viewport.clientHeight || UNSEEN_PX)) + 1 + OVERSCAN);
    const range = `${first}-${last}`;
    if (!anew && range === this.shown) return;
    this.shown = range;
    const focused = document.activeElement?.closest("[data-row]");
    const held = focused && this.body.contains(focused) ? focused.getAttribute("data-row") : null;
    const rows = this.items.slice(first, last).map((item, index) => {
      const row = this.options.row(item, first + index);
      row.dataset["row"] = String(first + index);
      const line = row.matches('[role="row"]') ? row : row.querySelector('[role="row"]');
      line?.setAttribute("aria-rowindex", String(first + index + 2)); // the header is row 1
      return row;
    });
    this.body.replaceChildren(...rows);
    if (!anew && held !== null) {
      rows.find((row) => row.dataset["row"] === held)?.querySelector<HTMLElement>('[tabindex="0"], button')?.focus({ preventScroll: true });
    }
    let changed = false;
    rows.forEach((row, index) => {
      const key = this.options.key(this.items[first + index] as T);
      const height = row.offsetHeight;
      if (height > 0 && height !== (this.heights.get(key) ?? this.options.height)) {
        this.heights.set(key, height);
        changed = true;
      }
    });
    if (changed) this.measure();
    this.body.style.paddingTop = all ? "" : `${this.offsets[first] ?? 0}px`;
    this.body.style.paddingBottom = all ? "" : `${(this.offsets[total] ?? 0) - (this.offsets[last] ?? 0)}px`;
  }
}

/** The last place whose offset is at most `at`. Offsets rise. */
export function before(offsets: readonly number[], at: number): number {
  let low = 0;
  let high = offsets.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((offsets[middle] ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}
