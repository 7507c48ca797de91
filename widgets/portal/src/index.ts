// The anywidget module of the overview.

import { portalView } from "./portal_view";
import type { Model } from "./wire";

export default {
  render({ model, el }: { model: Model; el: HTMLElement }): () => void {
    return portalView(model, el);
  },
};
