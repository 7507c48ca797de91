"""A consumer of the queue "orders": `ack` works well, `greedy` takes everything and acknowledges nothing."""

from __future__ import annotations

import sys
import time

import pika

port, mode = int(sys.argv[1]), sys.argv[2]
connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port, heartbeat=0))
channel = connection.channel()
channel.queue_declare("orders", durable=False)
if mode != "greedy":
    channel.basic_qos(prefetch_count=20)


def work(channel, method, properties, body) -> None:
    if mode == "greedy":
        return
    time.sleep(float(mode) if mode != "ack" else 0.005)
    channel.basic_ack(method.delivery_tag)


channel.basic_consume("orders", work)
channel.start_consuming()
