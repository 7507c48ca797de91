// An answer, or one query, as cells of the notebook around us. JupyterLab's extension inserts them; where nobody
// does (Voila, another front end) they can be copied or taken along as a notebook.

import { copyButton, h } from "../../views/src/dom";
import { save } from "./files";
import { glyph } from "./glyphs";
import type { Store } from "./store";

export interface CellSource {
  cell_type: "code" | "markdown";
  source: string;
}

const NOBODY_MS = 300; // an extension that is there answers in the same task

/** A button, and the place below it for what cannot be inserted. */
export function insertion(store: Store, what: { turn: string; evidence?: string }, label: string): { button: HTMLElement; offer: HTMLElement } {
  const caption = h("span", {}, label);
  const button = h("button", { class: "adj-button adj-quiet", type: "button" }, glyph("cells"), caption);
  const offer = h("div", { class: "adj-offer", role: "status" });
  button.addEventListener("click", () => {
    offer.replaceChildren();
    button.disabled = true;
    void insert(store, what)
      .then(({ cells, inserted }) => {
        if (!inserted) {
          offer.replaceChildren(...instead(cells));
          return;
        }
        caption.textContent = "Inserted below";
        setTimeout(() => (caption.textContent = label), 2_000);
      })
      .catch((error: Error) => offer.replaceChildren(h("p", { class: "adj-failure" }, error.message)))
      .finally(() => (button.disabled = false));
  });
  return { button, offer };
}

async function insert(store: Store, what: object): Promise<{ cells: CellSource[]; inserted: boolean }> {
  const cells = (await store.request("cells", what))["cells"] as CellSource[];
  const inserted = await new Promise<boolean>((done) => {
    const nobody = setTimeout(() => done(false), NOBODY_MS);
    const detail = {
      cells,
      done: (value: boolean): void => {
        clearTimeout(nobody);
        done(value);
      },
    };
    window.dispatchEvent(new CustomEvent("autodevops:insert-cells", { detail }));
  });
  return { cells, inserted };
}

function instead(cells: CellSource[]): Node[] {
  const code = cells.map((cell) => (cell.cell_type === "code" ? cell.source : cell.source.replace(/^/gm, "# "))).join("\n\n");
  const download = h("button", { class: "adj-button adj-quiet", type: "button" }, glyph("download"), "Download notebook");
  download.addEventListener("click", () => save("jamie-answer.ipynb", "application/x-ipynb+json", notebook(cells)));
  return [h("p", { class: "adj-muted" }, "There is no notebook here to insert into."), h("div", { class: "adj-row" }, copyButton(code, "Copy as code", "Copy as code"), download)];
}

function notebook(cells: CellSource[]): string {
  const whole = cells.map(({ cell_type, source }, index) => {
    const cell = { cell_type, id: `jamie-${index + 1}`, metadata: {}, source };
    return cell_type === "code" ? { ...cell, execution_count: null, outputs: [] } : cell;
  });
  const kernelspec = { display_name: "Python 3 (ipykernel)", language: "python", name: "python3" };
  return `${JSON.stringify({ cells: whole, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }, null, 1)}\n`;
}
