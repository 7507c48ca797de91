// When the overview is read: at once, every half minute while somebody can see it, and when they look again.

import type { Model, Section, Told } from "./wire";

export const EVERY_MS = 30_000;
export const SILENT_MS = 45_000; // longer than a tool may take: then nobody is there any more

export interface Listener {
  began(): void;
  section(section: Section): void;
  done(): void;
  failed(message: string, nextStep: string): void;
}

export class Refresher {
  namespace: string;
  private id = "";
  private count = 0;
  private next: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly model: Model,
    private readonly listener: Listener,
    namespace: string,
  ) {
    this.namespace = namespace;
    model.on("msg:custom", this.receive);
    document.addEventListener("visibilitychange", this.looked);
  }

  ask(): void {
    clearTimeout(this.next);
    clearTimeout(this.silence);
    this.id = `r${(this.count += 1)}`;
    this.listener.began();
    this.silence = setTimeout(() => this.over(() => this.listener.failed("The server does not answer any more.", "Reload the page.")), SILENT_MS);
    this.model.send({ type: "refresh", id: this.id, namespace: this.namespace });
  }

  choose(namespace: string): void {
    this.namespace = namespace;
    this.ask();
  }

  destroy(): void {
    clearTimeout(this.next);
    clearTimeout(this.silence);
    this.model.off("msg:custom", this.receive);
    document.removeEventListener("visibilitychange", this.looked);
  }

  private readonly receive = (message: unknown): void => {
    const told = message as Told;
    if (told.id !== this.id) return;
    if (told.type === "section") this.listener.section(told.section);
    else if (told.type === "done") this.over(() => this.listener.done());
    else this.over(() => this.listener.failed(told.message, told.next_step));
  };

  private readonly looked = (): void => {
    if (document.hidden) clearTimeout(this.next);
    else this.ask();
  };

  private over(tell: () => void): void {
    clearTimeout(this.silence);
    this.id = "";
    tell();
    if (!document.hidden) this.next = setTimeout(() => this.ask(), EVERY_MS);
  }
}
