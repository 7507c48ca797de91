// The same shop on Node: express with prom-client, or OpenTelemetry's Prometheus exporter (FLAVOUR=otel).
const { PORT, METRICS_PORT, FLAVOUR } = process.env;
let client;
if (FLAVOUR === "otel") {
  const { NodeSDK } = require("@opentelemetry/sdk-node");
  const { PrometheusExporter } = require("@opentelemetry/exporter-prometheus");
  const { HttpInstrumentation } = require("@opentelemetry/instrumentation-http");
  const { RuntimeNodeInstrumentation } = require("@opentelemetry/instrumentation-runtime-node");
  new NodeSDK({
    serviceName: "shop",
    metricReader: new PrometheusExporter({ host: "127.0.0.1", port: Number(METRICS_PORT) }),
    traceExporter: undefined,
    instrumentations: [new HttpInstrumentation(), new RuntimeNodeInstrumentation()],
  }).start();
}
const express = require("express");
const app = express();
const fault = {};
const kept = [];
if (FLAVOUR !== "otel") {
  client = require("prom-client");
  client.collectDefaultMetrics();
  const seconds = new client.Histogram({
    name: "http_request_duration_seconds",
    help: "Duration of requests",
    labelNames: ["method", "route", "status_code"],
  });
  app.use((request, response, next) => {
    const end = seconds.startTimer();
    response.on("finish", () =>
      end({ method: request.method, route: request.path, status_code: response.statusCode }));
    next();
  });
  const metrics = express();
  metrics.get("/metrics", async (_, response) => {
    response.set("Content-Type", client.register.contentType).end(await client.register.metrics());
  });
  metrics.listen(Number(METRICS_PORT), "127.0.0.1");
}
app.all("/orders", (_, response) => {
  if (fault.leak) for (let n = 0; n < fault.leak; n++) kept.push({ order: new Array(1000).fill(Math.random()) });
  if (fault.block) for (const end = Date.now() + 1000 * fault.block; Date.now() < end; );
  setTimeout(() => response.send("ok"), 5);
});
app.get("/_fault", (request, response) => {
  for (const [key, value] of Object.entries(request.query)) fault[key] = Number(value);
  response.send("ok");
});
app.listen(Number(PORT), "127.0.0.1");
