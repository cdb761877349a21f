"""A function that wants no connection of its own to wait for long."""

import socket

socket.setdefaulttimeout(0.05)


def handler(event, context):
    return socket.getdefaulttimeout()
