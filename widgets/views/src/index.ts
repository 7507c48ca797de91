// The anywidget module for results of the library: one chart a widget, drawn by its type, in every view of the model.

import { h } from "./dom";
import { drawn } from "./drawn";
import type { Chart, Investigation } from "./nouns";
import { colours, Cursor, type Part, type ViewScope } from "./scope";
import { followTheme } from "./theme";
import { hypothesisTable, verdictLine } from "./verdict";

interface Model {
  get(name: "chart"): Chart | { type: "hypotheses"; investigation: Investigation };
  on(name: string, listener: () => void): void;
  off(name: string, listener: () => void): void;
}

export default {
  render({ model, el }: { model: Model; el: HTMLElement }): () => void {
    const root = h("div", { class: "adj adj-alone" });
    const scope: ViewScope = { cite: (id) => h("code", { class: "adj-cite", title: "Evidence" }, id), cursor: new Cursor(), colour: colours() };
    const unfollow = followTheme(root);
    let part: Part | null = null;
    const draw = (): void => {
      part?.destroy();
      const chart = model.get("chart");
      if (chart.type === "hypotheses") {
        part = null;
        const { investigation } = chart;
        root.replaceChildren(verdictLine(investigation), hypothesisTable(investigation, scope) ?? h("p", {}, investigation.summary));
        return;
      }
      part = drawn(chart, scope);
      root.replaceChildren(part.element);
    };
    el.append(root);
    draw();
    model.on("change:chart", draw);
    return () => {
      model.off("change:chart", draw);
      part?.destroy();
      unfollow();
      root.remove();
    };
  },
};
