// What the kernel sends: `autodevops/domain/stream.py` as JSON, trimmed by `autodevops/widgets/wire.py`.

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
  cancelled: boolean;
}

export type TurnEvent =
  | { type: "turn_started"; question: string }
  | ContextRetrieved
  | ToolCallStarted
  | ToolCallFinished
  | { type: "finding_raised"; finding: Finding }
  | { type: "chart_ready"; chart: Chart }
  | { type: "text_delta"; text: string }
  | AnswerCompleted
  | TurnFailed;

/** A finished turn as the `turns` trait holds it. */
export interface TurnRecord {
  id: string;
  question: string;
  events: TurnEvent[];
}

export interface EventMessage {
  type: "event";
  turn: string;
  seq: number;
  event: TurnEvent;
}

export function isEventMessage(value: unknown): value is EventMessage {
  const message = value as Partial<EventMessage> | null;
  return (
    typeof message === "object" &&
    message !== null &&
    message.type === "event" &&
    typeof message.turn === "string" &&
    typeof message.seq === "number" &&
    typeof message.event?.type === "string"
  );
}
