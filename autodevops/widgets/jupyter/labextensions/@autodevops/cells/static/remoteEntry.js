// Inserts an answer's cells below the cell that shows the chat, tells the chat which cell a person was at, and opens
// reports of runs, in JupyterLab.
//
// To insert, the page asks with a CustomEvent on `window`, `autodevops:insert-cells`, whose detail is
// {cells: [{cell_type, source}], done(inserted), node?}; `node` is an element inside the widget that asks, by default
// what has the focus. Nothing is run: a person reads the cells first. The whole insertion is one undo.
//
// For what is selected it asks with `autodevops:selection`, whose detail is {node, offer({label, text, chosen})}: what was
// marked last in a cell beside the chat, else the last such cell with its outputs; `chosen` when it was marked or failed.
// The page shows it and sends it to the kernel only if the person wants so.
//
// A run's report is opened in a tab on `autodevops:open-run`, whose detail is {node, beside}: the run's folder as seen
// from the notebook's. It is left to the page where JupyterLab does not serve that folder.
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

  /** The panel whose notebook holds `node`, else the one in front. */
  function panelOf(shell, node) {
    for (const widget of node ? shell.widgets("main") : []) {
      if (isNotebook(widget) && widget.node.contains(node)) return widget;
    }
    return isNotebook(shell.currentWidget) ? shell.currentWidget : null;
  }

  const notebookOf = (shell, node) => panelOf(shell, node)?.content ?? null;

  /** The report's path from JupyterLab's root; null above the root, or in a folder that JupyterLab hides. */
  function reportPath(shell, { node, beside }) {
    const notebook = beside ? panelOf(shell, node)?.context.localPath : undefined;
    if (notebook === undefined) return null;
    const parts = notebook.split("/").slice(0, -1);
    for (const part of `${beside}/report.html`.split("/")) {
      if (part !== "..") parts.push(part);
      else if (parts.pop() === undefined) return null;
    }
    return parts.some((part) => part.startsWith(".")) ? null : parts.join("/");
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

  /** The cell of a notebook that a person was at last, leaving out those with a chat. */
  const visited = new WeakMap();
  /** What is marked in a cell: its node, and the text. */
  let marked = null;

  const hasChat = (node) => Boolean(node?.querySelector(".adj"));

  function follow(shell) {
    for (const { content } of [...shell.widgets("main")].filter(isNotebook)) {
      if (visited.has(content)) continue;
      const visit = () => {
        if (content.activeCell && !hasChat(content.activeCell.node)) visited.set(content, content.activeCell);
      };
      visited.set(content, null);
      content.activeCellChanged.connect(visit);
      visit();
    }
  }

  /** The focus that goes to the chat ends what the browser has marked; it is meant all the same. */
  function mark() {
    const now = document.getSelection();
    const node = now?.anchorNode instanceof Element ? now.anchorNode : now?.anchorNode?.parentElement;
    const cell = node?.closest?.(".jp-Cell");
    if (!cell || hasChat(cell)) return;
    marked = now.isCollapsed ? null : { cell, text: now.toString() };
  }

  function markedIn(cell) {
    const editor = cell.editor;
    const range = editor?.getSelection?.();
    if (range) {
      const [from, to] = [editor.getOffsetAt(range.start), editor.getOffsetAt(range.end)];
      // The browser marks only what the editor draws of a long text.
      if (from !== to) return cell.model.sharedModel.getSource().slice(Math.min(from, to), Math.max(from, to));
    }
    return marked?.cell === cell.node ? marked.text : "";
  }

  function outputsOf(cell) {
    const outputs = cell.model.outputs;
    const said = [];
    let failed = false;
    for (let index = 0; index < (outputs?.length ?? 0); index += 1) {
      const output = outputs.get(index).toJSON();
      const plain = output.text ?? output.data?.["text/plain"] ?? "";
      if (output.output_type === "error") {
        failed = true;
        said.push(`${output.ename}: ${output.evalue}`, ...output.traceback.map((line) => line.replace(/\x1b\[[\d;]*m/g, "")));
      } else said.push(Array.isArray(plain) ? plain.join("") : String(plain));
    }
    return { said, failed };
  }

  function selection(shell, node) {
    const cell = visited.get(notebookOf(shell, node));
    if (!cell || cell.isDisposed || hasChat(cell.node)) return null; // it may have got the chat since
    const count = cell.model.executionCount;
    const name = count ? `cell [${count}]` : `the ${cell.model.type} cell`;
    const text = markedIn(cell);
    if (text.trim()) return { label: `the marked text of ${name}`, text, chosen: true };
    const { said, failed } = outputsOf(cell);
    const whole = [cell.model.sharedModel.getSource(), ...said].join("\n").trim();
    return whole ? { label: name, text: whole, chosen: failed } : null;
  }

  const plugin = {
    id: "@autodevops/cells:insert",
    description: "Inserts an answer's cells below the cell that shows the chat, tells it which cell a person was at, and opens reports.",
    autoStart: true,
    activate: (app) => {
      app.shell.layoutModified?.connect(() => follow(app.shell));
      void app.restored.then(() => follow(app.shell));
      document.addEventListener("selectionchange", mark);
      window.addEventListener("autodevops:selection", (event) => {
        try {
          follow(app.shell);
          const found = selection(app.shell, event.detail.node);
          if (found) event.detail.offer(found);
        } catch (error) {
          console.error("Auto-DevOps: what is selected could not be read.", error);
        }
      });
      window.addEventListener("autodevops:open-run", (event) => {
        const path = reportPath(app.shell, event.detail);
        if (!path) return;
        event.preventDefault();
        void app.commands.execute("docmanager:open", { path });
      });
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
