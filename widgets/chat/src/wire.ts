// What the kernel sends: `autodevops/domain/stream.py` as JSON, trimmed by `autodevops/widgets/wire.py`.

import type { Shown } from "../../views/src/approval";
import type { Chart, Evidence, Finding, Investigation, Json } from "../../views/src/nouns";

export type * from "../../views/src/nouns";

export interface ToolCallStarted {
  type: "tool_call_started";
  call_id: string;
  tool: string;
  arguments: { [key: string]: Json };
  query: string;
}

export interface ToolCallFinished {
  type: "tool_call_finished";
  call_id: string;
  evidence: string;
  ok: boolean;
  preview: string;
  duration_ms: number;
}

export interface ContextRetrieved {
  type: "context_retrieved";
  intent: string;
  namespace: string;
  subject: string;
  window: string;
  /** What was taken along with the question. */
  about?: string;
}

export interface AnswerCompleted {
  type: "answer_completed";
  text: string;
  narrator: string;
  note: string;
  evidence: Evidence[];
  investigation: Investigation | null;
  follow_ups: string[];
}

export interface TurnFailed {
  type: "turn_failed";
  message: string;
  next_step: string;
  code: string;
  cancelled: boolean;
}

/** What is asked of people. It says what to show until the executor was asked; nothing is decided by it. */
export interface ActionProposed extends Partial<Omit<Shown, "operation">> {
  type: "action_proposed";
  operation: string;
}

export type TurnEvent =
  | { type: "turn_started"; question: string; incident?: string }
  | ContextRetrieved
  | ToolCallStarted
  | ToolCallFinished
  | { type: "finding_raised"; finding: Finding }
  | { type: "chart_ready"; chart: Chart }
  | { type: "text_delta"; text: string }
  | ActionProposed
  | AnswerCompleted
  | TurnFailed;

/** A finished turn as the `turns` trait holds it: its events deflated, in base64. */
export interface TurnRecord {
  id: string;
  question: string;
  packed: string;
  feedback?: Feedback;
}

export interface Feedback {
  thumb: 1 | -1;
  comment: string;
}

/** Events of a turn from number `seq` on; long ones come as a buffer instead of `events`. */
export interface EventsMessage {
  type: "events";
  turn: string;
  seq: number;
  events?: TurnEvent[];
}

/** What a request is answered with, by its `id`. */
export interface Reply {
  type: string;
  id: string;
  error?: { message: string; next_step: string };
  [name: string]: unknown;
}

export function isEventsMessage(value: unknown): value is EventsMessage {
  const message = value as Partial<EventsMessage> | null;
  return typeof message === "object" && message !== null && message.type === "events" && typeof message.turn === "string" && typeof message.seq === "number";
}
