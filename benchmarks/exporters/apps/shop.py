"""A small shop with real client libraries: FLAVOUR says which one serves its metrics, BACKEND what it needs to answer.

`/_fault?latency=0.5&errors=0.3&descriptors=1` changes how it behaves from then on.
"""

from __future__ import annotations

import os
import random
import threading
import time
import urllib.request

import fastapi  # FastAPI looks up annotations in the module

PORT, METRICS_PORT = int(os.environ["PORT"]), int(os.environ["METRICS_PORT"])
FLAVOUR, BACKEND, ADDRESS = os.environ["FLAVOUR"], os.environ.get("BACKEND", ""), os.environ.get("ADDRESS", "")
WORKERS = threading.Semaphore(int(os.environ.get("WORKERS", "64")))
fault: dict[str, float] = {}
kept: list[object] = []


def postgres(write: bool) -> None:
    import psycopg2

    connection = psycopg2.connect(ADDRESS, connect_timeout=3, options="-c statement_timeout=4000")
    try:
        with connection, connection.cursor() as cursor:
            number = random.randrange(1, 200)
            if write:
                cursor.execute("UPDATE orders SET total = total + 1 WHERE id = %s", (number,))
            else:
                cursor.execute("SELECT total FROM recent_orders WHERE id = %s", (number,))
                cursor.fetchall()
    finally:
        connection.close()


def bouncer(write: bool) -> None:
    import psycopg2

    connection = psycopg2.connect(ADDRESS, connect_timeout=4)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(%s)", (float(fault.get("query", 0.01)),))
    finally:
        connection.close()


def redis(write: bool) -> None:
    import redis as library

    host, port = ADDRESS.split(":")
    client = library.Redis(host=host, port=int(port), socket_timeout=3, socket_connect_timeout=3)
    try:
        key = f"cart:{random.randrange(5000)}"
        if write:
            client.set(key, "x" * 2000)
        else:
            client.get(key)
    finally:
        client.close()


def mysql(write: bool) -> None:
    import pymysql

    host, port = ADDRESS.split(":")
    connection = pymysql.connect(
        host=host, port=int(port), user="app", password="app", database="shop", connect_timeout=3, read_timeout=6
    )
    try:
        with connection.cursor() as cursor:
            number = random.randrange(1, 200)
            if write:
                cursor.execute("UPDATE orders SET total = total + 1 WHERE id = %s", (number,))
            else:
                cursor.execute("SELECT total FROM recent_orders WHERE id = %s", (number,))
                cursor.fetchall()
        connection.commit()
    finally:
        connection.close()


def rabbit(write: bool) -> None:
    import pika

    host, port = ADDRESS.split(":")
    parameters = pika.ConnectionParameters(host, int(port), socket_timeout=3, blocked_connection_timeout=3)
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish("", "orders", b"x" * 500)
    finally:
        connection.close()


def http(write: bool) -> None:
    with urllib.request.urlopen(ADDRESS, timeout=4) as answer:
        answer.read()


def etcd(write: bool) -> None:
    path, body = ("put", b'{"key":"Zm9v","value":"YmFy"}') if write else ("range", b'{"key":"Zm9v"}')
    with urllib.request.urlopen(f"{ADDRESS}/v3/kv/{path}", data=body, timeout=4) as answer:
        answer.read()


def nothing(write: bool) -> None:
    time.sleep(0.01)


BACKENDS = {
    "postgres": postgres, "bouncer": bouncer, "redis": redis, "mysql": mysql,
    "rabbit": rabbit, "http": http, "etcd": etcd, "": nothing,
}  # fmt: skip


def handle(write: bool) -> tuple[str, int]:
    if fault.get("descriptors"):
        kept.append(open(__file__))  # noqa: SIM115  that it stays open is the fault
    with WORKERS:
        time.sleep(random.uniform(0.5, 1.5) * fault.get("latency", 0.0))
        if random.random() < fault.get("errors", 0.0):
            return "a fault of our own", 500
        try:
            BACKENDS[BACKEND](write)
        except Exception as error:  # noqa: BLE001  whatever the library says is a failed request
            print(f"{BACKEND}: {error}", flush=True)
            return str(error), 500
    return "ok", 200


def flask_app() -> object:
    import flask

    app = flask.Flask("shop")
    if FLAVOUR == "flask":
        import prometheus_client

        seconds = prometheus_client.Histogram(
            "http_request_duration_seconds", "Duration of requests", ["method", "path", "status"]
        )
        prometheus_client.start_http_server(METRICS_PORT, addr="127.0.0.1")

        @app.before_request
        def begin() -> None:
            flask.g.begun = time.perf_counter()

        @app.after_request
        def end(response: flask.Response) -> flask.Response:
            labels = (flask.request.method, flask.request.path, str(response.status_code))
            seconds.labels(*labels).observe(time.perf_counter() - flask.g.begun)
            return response
    else:
        otel()
        from opentelemetry.instrumentation.flask import FlaskInstrumentor

        FlaskInstrumentor().instrument_app(app)

    @app.route("/orders", methods=["GET", "POST"])
    def orders() -> tuple[str, int]:
        return handle(flask.request.method == "POST")

    @app.route("/_fault")
    def set_fault() -> str:
        fault.update({key: float(value) for key, value in flask.request.args.items()})
        return "ok"

    return app


def fastapi_app() -> object:
    app = fastapi.FastAPI()
    if FLAVOUR == "fastapi":
        import prometheus_client
        from prometheus_fastapi_instrumentator import Instrumentator

        Instrumentator().instrument(app)
        prometheus_client.start_http_server(METRICS_PORT, addr="127.0.0.1")
    else:
        otel()
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

        FastAPIInstrumentor.instrument_app(app)

    def answer(write: bool) -> fastapi.Response:
        text, status = handle(write)
        return fastapi.Response(text, status)

    @app.get("/orders")
    def read() -> fastapi.Response:
        return answer(False)

    @app.post("/orders")
    def write() -> fastapi.Response:
        return answer(True)

    @app.get("/_fault")
    def set_fault(request: fastapi.Request) -> str:
        fault.update({key: float(value) for key, value in request.query_params.items()})
        return "ok"

    return app


def otel() -> None:
    import prometheus_client
    from opentelemetry import metrics
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource

    reader = PrometheusMetricReader()
    metrics.set_meter_provider(MeterProvider([reader], resource=Resource.create({"service.name": "shop"})))
    prometheus_client.start_http_server(METRICS_PORT, addr="127.0.0.1")


if FLAVOUR.endswith("flask"):
    import logging

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    flask_app().run(host="127.0.0.1", port=PORT, threaded=True)
else:
    import uvicorn

    uvicorn.run(fastapi_app(), host="127.0.0.1", port=PORT, log_level="warning")
