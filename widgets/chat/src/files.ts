// A file out of the page: made here, so that nothing is asked of any server.

import { h } from "../../views/src/dom";

export function save(name: string, mime: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: mime }));
  const link = h("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
