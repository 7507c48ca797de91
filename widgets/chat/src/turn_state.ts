// What one turn amounts to so far: its events folded, in order. No rendering here.

import type {
  ActionProposed,
  AnswerCompleted,
  Chart,
  ContextRetrieved,
  Evidence,
  Feedback,
  Finding,
  ToolCallFinished,
  ToolCallStarted,
  TurnEvent,
  TurnFailed,
  TurnRecord,
} from "./wire";

export interface ToolCall {
  started: ToolCallStarted;
  finished?: ToolCallFinished;
}

export type TurnStatus = "running" | "done" | "failed" | "stopped";

export interface Turn {
  id: string;
  question: string;
  status: TurnStatus;
  context?: ContextRetrieved;
  calls: ToolCall[];
  findings: Finding[];
  charts: Chart[];
  proposals: ActionProposed[];
  text: string;
  answer?: AnswerCompleted;
  failure?: TurnFailed;
  feedback?: Feedback;
  /** The incident it is about, where a postmortem of it can be written. */
  incident?: string;
  /** True when it came whole, from the trait: nothing of it was seen live. */
  restored: boolean;
}

export function newTurn(id: string, question: string): Turn {
  return { id, question, status: "running", calls: [], findings: [], charts: [], proposals: [], text: "", restored: false };
}

export function applyEvent(turn: Turn, event: TurnEvent): void {
  switch (event.type) {
    case "turn_started":
      turn.question = event.question;
      turn.incident = event.incident;
      break;
    case "context_retrieved":
      turn.context = event;
      break;
    case "tool_call_started":
      turn.calls.push({ started: event });
      break;
    case "tool_call_finished": {
      const call = turn.calls.find((candidate) => candidate.started.call_id === event.call_id);
      if (call) call.finished = event;
      break;
    }
    case "finding_raised":
      turn.findings.push(event.finding);
      break;
    case "chart_ready":
      turn.charts.push(event.chart);
      break;
    case "action_proposed":
      if (!turn.proposals.some((known) => known.operation === event.operation)) turn.proposals.push(event);
      break;
    case "text_delta":
      turn.text += event.text;
      break;
    case "answer_completed":
      turn.answer = event;
      turn.text = event.text;
      turn.status = "done";
      break;
    case "turn_failed":
      turn.failure = event;
      turn.status = event.cancelled ? "stopped" : "failed";
      break;
  }
}

export function restoredTurn(record: TurnRecord, events: TurnEvent[]): Turn {
  const turn = newTurn(record.id, record.question);
  for (const event of events) applyEvent(turn, event);
  turn.feedback = record.feedback;
  if (turn.status === "running") turn.status = "stopped";
  turn.restored = true;
  return turn;
}

/** What a citation stands for: the whole evidence once the answer is there, the call before that. */
export interface Cited {
  id: string;
  tool: string;
  call?: ToolCall;
  evidence?: Evidence;
}

export function cited(turn: Turn, id: string): Cited {
  const evidence = turn.answer?.evidence.find((item) => item.id === id);
  const call = turn.calls.find((item) => item.finished?.evidence === id);
  return { id, tool: evidence?.tool ?? call?.started.tool ?? "", call, evidence };
}

/** How an answer begins, without marks: what stands for it where it is folded. */
export function firstLine(turn: Turn): string {
  const line = turn.text.split("\n").find((text) => text.trim() !== "") ?? turn.failure?.message ?? "";
  return line.replace(/\s*\[ev-[0-9a-z]+\]/g, "").replace(/^[#>\s-]+|\*\*|`/g, "").trim();
}
