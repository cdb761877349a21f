"""A long-lived function: answers the device that asked, and tells the cloud about it.

Module code runs once, when the core starts the function; `count` therefore lives as long as the core.
"""
import json
import logging
import sys

import greengrasssdk

logging.basicConfig(stream=sys.stdout, level=logging.INFO)
client = greengrasssdk.client("iot-data")
count = 0


def handler(event, context):
    global count
    count += 1
    topic = context.client_context.custom["subject"]
    device = topic.split("/")[1]
    answer = json.dumps({"heard": event, "on": topic, "count": count})
    client.publish(topic="devices/%s/reply" % device, payload=answer)
    client.publish(topic="devices/%s/seen" % device, payload=answer)
    return answer
