// Light or dark: JupyterLab says so on the body; elsewhere the system does.

export function followTheme(root: HTMLElement): () => void {
  const system = window.matchMedia?.("(prefers-color-scheme: dark)");
  const apply = (): void => {
    const lab = document.body.dataset["jpThemeLight"];
    const inLab = lab !== undefined && document.body.dataset["voila"] === undefined;
    root.dataset["theme"] = (inLab ? lab === "false" : system?.matches) ? "dark" : "light";
    root.dataset["host"] = inLab ? "lab" : "page";
  };
  const observer = new MutationObserver(apply);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  system?.addEventListener("change", apply);
  apply();
  return () => {
    observer.disconnect();
    system?.removeEventListener("change", apply);
  };
}
