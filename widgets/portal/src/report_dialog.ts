// A run's report in a frame of its own, which runs no scripts and is nobody on this server.

import { h, icon } from "../../views/src/dom";
import { remember, reportAddress } from "./page";

export function reportDialog(root: HTMLElement, run: string, title: string): void {
  const address = reportAddress(run);
  const frame = h("iframe", { src: address, title: `Report of ${title}`, sandbox: "", referrerpolicy: "no-referrer" });
  const close = h("button", { type: "button", class: "adp-button", "aria-label": "Close the report", autofocus: true }, icon("cross"));
  const dialog = h(
    "dialog",
    { class: "adp-dialog", "aria-label": `Report of ${title}` },
    h(
      "header",
      {},
      h("b", {}, title),
      h("span", { class: "adp-grow" }),
      h("a", { class: "adp-button", href: `${address}?download=1`, download: "", title: "The whole file, with charts that can be zoomed" }, "Download"),
      h("a", { class: "adp-button", href: address, target: "_blank", rel: "noopener" }, "New tab"),
      close,
    ),
    frame,
  );
  const leave = (): void => {
    remember("run", "");
    dialog.remove();
  };
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", leave);
  root.append(dialog);
  remember("run", run);
  dialog.showModal();
}
