// The anywidget module: one store for the model, one view for each place it is shown.

import { chatView } from "./chat_view";
import { type Model, Store } from "./store";

const stores = new WeakMap<Model, Store>();

function storeOf(model: Model): Store {
  let store = stores.get(model);
  if (!store) stores.set(model, (store = new Store(model)));
  return store;
}

export default {
  initialize({ model }: { model: Model }): () => void {
    const store = storeOf(model);
    return () => {
      stores.delete(model);
      store.destroy();
    };
  },
  render({ model, el }: { model: Model; el: HTMLElement }): () => void {
    return chatView(storeOf(model), el);
  },
};
