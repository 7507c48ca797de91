// A chart, drawn by what it is: the one place that knows all of them.

import { logTable } from "./log_table";
import { metricChart } from "./metric_chart";
import type { Chart } from "./nouns";
import type { Part, ViewScope } from "./scope";
import { serviceMap } from "./service_map";
import { traceChart } from "./trace_chart";

export function drawn(chart: Chart, scope: ViewScope): Part {
  switch (chart.type) {
    case "metric":
      return metricChart(chart, scope);
    case "trace":
      return traceChart(chart, scope);
    case "logs":
      return logTable(chart, scope);
    case "service_map":
      return serviceMap(chart, scope);
  }
}
