// Inserts an answer's cells below the cell that shows the chat, in JupyterLab.
//
// The page asks with a CustomEvent on `window`, `autodevops:insert-cells`, whose detail is
// {cells: [{cell_type, source}], done(inserted), node?}; `node` is an element inside the widget that asks, by default
// what has the focus. Nothing is run: a person reads the cells first. The whole insertion is one undo.
//
// Written by hand as a module-federation container (init, get), which is all that JupyterLab asks of an extension
// that shares no module with it: no build, no dependency.
(() => {
  const EVENT = "autodevops:insert-cells";
  const MOST_CELLS = 500; // an answer has a few dozen; a page that sends more is broken
  const MOST_CHARACTERS = 2_000_000;

  function accepted(cells) {
    if (!Array.isArray(cells) || cells.length === 0 || cells.length > MOST_CELLS) return null;
    let characters = 0;
    const made = [];
    for (const cell of cells) {
      const kind = cell?.cell_type;
      if ((kind !== "code" && kind !== "markdown") || typeof cell.source !== "string") return null;
      characters += cell.source.length;
      made.push({ cell_type: kind, source: cell.source, metadata: kind === "code" ? { trusted: false } : {} });
    }
    return characters > MOST_CHARACTERS ? null : made;
  }

  const isNotebook = (widget) => Boolean(widget?.content?.model?.sharedModel?.insertCells && widget.content.widgets);

  /** The notebook that holds `node`, else the one in front. */
  function notebookOf(shell, node) {
    if (node) {
      for (const widget of shell.widgets("main")) {
        if (isNotebook(widget) && widget.node.contains(node)) return widget.content;
      }
    }
    return isNotebook(shell.currentWidget) ? shell.currentWidget.content : null;
  }

  function insert(shell, detail) {
    const cells = accepted(detail?.cells);
    const node = detail?.node instanceof Node ? detail.node : document.activeElement;
    const notebook = notebookOf(shell, node);
    if (!cells || !notebook || notebook.model.readOnly) return false;
    const holder = notebook.widgets.findIndex((cell) => cell.node.contains(node));
    const at = (holder >= 0 ? holder : notebook.activeCellIndex) + 1;
    const shared = notebook.model.sharedModel;
    shared.transact(() => shared.insertCells(at, cells));
    cells.forEach((cell, offset) => {
      const made = notebook.widgets[at + offset];
      if (made && cell.cell_type === "markdown") made.rendered = true;
    });
    notebook.activeCellIndex = at;
    notebook.deselectAll();
    notebook.scrollToItem(at, "smart").catch(() => {});
    return true;
  }

  const plugin = {
    id: "@autodevops/cells:insert",
    description: "Inserts an answer's cells below the cell that shows the chat.",
    autoStart: true,
    activate: (app) => {
      window.addEventListener(EVENT, (event) => {
        let inserted = false;
        try {
          inserted = insert(app.shell, event.detail);
        } catch (error) {
          console.error("Auto-DevOps: the cells could not be inserted.", error);
        }
        if (typeof event.detail?.done === "function") event.detail.done(inserted);
      });
    },
  };

  const modules = { "./extension": () => ({ __esModule: true, default: plugin }) };
  const container = {
    init: () => undefined,
    get: (name) =>
      name in modules
        ? Promise.resolve(modules[name])
        : Promise.reject(new Error(`@autodevops/cells has no module ${name}`)),
  };
  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["@autodevops/cells"] = container;
})();
