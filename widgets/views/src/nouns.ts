// The nouns that are drawn: `autodevops/domain` as JSON, without what no page shows.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Subject {
  kind: string;
  name: string;
  namespace: string;
  api_version: string;
}

export interface TimeWindow {
  start: string;
  end: string;
}

export interface Evidence {
  id: string;
  tool: string;
  arguments: { [key: string]: Json };
  query: string;
  window: TimeWindow | null;
  digest: string;
  truncated: boolean;
  error: string | null;
  collected_at: string;
  duration_ms: number;
  excerpt: string;
  excerpt_cut: boolean;
}

export interface Claim {
  text: string;
  evidence: string[];
}

export interface SuggestedAction {
  kind: "mitigation" | "remediation" | "investigation";
  summary: string;
  command: string;
}

export interface Hypothesis {
  reason: string;
  subject: Subject;
  confidence: number;
  summary: string;
  supports: Claim[];
  contradicts: Claim[];
  suggested_actions: SuggestedAction[];
  /** Why it stands before the next; the last has none. */
  ahead?: string[];
}

export interface Finding {
  rule_id: string;
  reason: string;
  subject: Subject;
  severity: "info" | "warning" | "error" | "critical";
  message: string;
  confidence: number;
  evidence: string[];
  onset: string | null;
}

export interface TimelineEntry {
  at: string;
  kind: "change" | "onset" | "alert" | "event";
  subject: Subject;
  text: string;
  evidence: string[];
}

export interface Investigation {
  verdict: "explained" | "healthy" | "undetermined";
  summary: string;
  namespace: string;
  window: TimeWindow;
  hypotheses: Hypothesis[];
  timeline: TimelineEntry[];
  missing: { tool: string; query: string; error: string; evidence: string }[];
}

export interface Series {
  labels: { [name: string]: string };
  samples: [number, number | null][];
}

export interface Mark {
  at: string;
  kind: "onset" | "change" | "alert";
  label: string;
}

export interface MetricChart {
  type: "metric";
  title: string;
  unit: string;
  series: Series[];
  legend: string;
  marks: Mark[];
  evidence: string[];
}

export interface Span {
  span_id: string;
  parent_span_id: string;
  service: string;
  name: string;
  kind: string;
  start: string;
  duration_ms: number;
  status: "unset" | "ok" | "error";
  status_message: string;
  attributes: { [name: string]: string | number | boolean };
  resource: { [name: string]: string | number | boolean };
}

export interface TraceChart {
  type: "trace";
  title: string;
  trace: { trace_id: string; spans: Span[] };
  /** Ids of the spans that the trace's duration depends on. */
  critical_path?: string[];
  evidence: string[];
}

export interface LogRecord {
  timestamp: string;
  body: string;
  severity: string;
  attributes: { [name: string]: string };
  trace_id: string;
}

/** Records of one statement, by their places in the table; `<*>` stands for what differs. */
export interface LogPattern {
  template: string;
  records: number[];
}

export interface LogTable {
  type: "logs";
  title: string;
  records: LogRecord[];
  patterns?: LogPattern[];
  evidence: string[];
}

export interface MapService {
  id: string;
  name: string;
  kind: string;
  role: "" | "suspect" | "suffers";
  rate: number | null;
  error_ratio: number | null;
  latency_s: number | null;
}

export interface MapCall {
  caller: string;
  callee: string;
  count: number;
  failed: number;
  rate: number | null;
  latency_s: number | null;
  on_path: boolean;
}

export interface ServiceMap {
  type: "service_map";
  title: string;
  services: MapService[];
  calls: MapCall[];
  left_out: number;
  evidence: string[];
}

export type Chart = MetricChart | TraceChart | LogTable | ServiceMap;
