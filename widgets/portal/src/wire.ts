// What travels: autodevops/portal/sections.py as JSON.

export interface Model {
  on(name: "msg:custom", listener: (message: unknown) => void): void;
  off(name: "msg:custom", listener: (message: unknown) => void): void;
  send(message: unknown): void;
}

export interface Missing {
  system: string;
  message: string;
}

export interface Measure {
  value: number | null;
  unit: string;
  points: (number | null)[];
  share: number | null;
  bad: string;
}

export interface Service {
  name: string;
  rate: Measure | null;
  errors: Measure | null;
  latency: Measure | null;
  cpu: Measure | null;
  memory: Measure | null;
  ready: number | null;
  pods: number;
  restarts: number;
}

interface Common {
  at: string;
  missing: Missing[];
}

export interface Services extends Common {
  name: "services";
  namespace: string;
  minutes: number;
  items: Service[];
  more: number;
}

export interface Alerts extends Common {
  name: "alerts";
  items: { name: string; severity: string; about: string; since: string; summary: string }[];
  more: number;
  elsewhere: number;
  pending: number;
}

export interface Incident {
  id: string;
  title: string;
  namespace: string;
  state: "open" | "resolved";
  severity: string;
}

export interface Incidents extends Common {
  name: "incidents";
  items: (Incident & { since: string })[];
  more: number;
}

export interface Run {
  id: string;
  runbook: string;
  title: string;
  status: string;
  trigger: string;
  reason: string;
  started_at: string;
  ended_at: string | null;
  error: string;
  verdicts: string[];
  report: boolean;
}

export interface Runs extends Common {
  name: "runs";
  items: Run[];
  more: boolean;
}

export interface Fact {
  label: string;
  value: string;
  tone: "" | "good" | "warn" | "bad";
  ask: string;
}

export interface Health extends Common {
  name: "health";
  hours: number;
  jamie: Fact[];
  scarlet: Fact[];
}

export interface Question {
  id: string;
  title: string;
  subject: string;
  risk: string;
  asked_by: string;
  state: string;
  result: string;
  yeses: number;
  needed: number;
  at: string;
  expires_at: string;
}

export interface Inbox extends Common {
  name: "inbox";
  items: Question[];
  past: Question[];
}

export interface Decisions extends Common {
  name: "decisions";
  squares: { confidence: string; risk: string; says: string; counts: { [verdict: string]: number } }[];
  items: { id: string; action: string; subject: string; confidence: string; risk: string; verdict: string; result: string; at: string }[];
  more: number;
}

export interface Slot {
  schedule: string;
  runbook: string;
  due: string;
  count: number;
  what: string;
  why: string;
  run: string;
}

export interface IncidentPage extends Incident {
  name: "incident";
  at: string;
  phase: string;
  facts: [string, string][];
  causes: { summary: string; confidence: number; supports: string[]; contradicts: string[]; next_step: string; command: string }[];
  timeline: { at: string; kind: string; text: string; operation: string }[];
  decisions: Decisions["items"];
  runs: string[];
  told: string;
}

export interface Schedules extends Common {
  name: "schedules";
  days: number;
  known: number;
  to_come: Slot[];
  more: number;
  past: Slot[];
}

export interface Namespaces extends Common {
  name: "namespaces";
  items: string[];
  chosen: string;
}

export type Section = Namespaces | Services | Alerts | Incidents | Runs | Health | Inbox | Decisions | Schedules | IncidentPage;

export type Told =
  | { type: "section"; id: string; section: Section }
  | { type: "failed"; id: string; message: string; next_step: string }
  | { type: "done"; id: string };
