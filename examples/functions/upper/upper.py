"""An on-demand function: started by its first message, ended when it has been idle."""
import greengrasssdk

client = greengrasssdk.client("iot-data")


def handler(event, context):
    device = context.client_context.custom["subject"].split("/")[1]
    client.publish(topic="devices/%s/loud" % device, payload=event["text"].upper())
