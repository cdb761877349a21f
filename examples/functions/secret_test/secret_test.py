"""Reads a secret that is attached to this function, and says whether it got one.

The value itself is neither published nor logged.
"""
import sys

import greengrasssdk

secrets = greengrasssdk.client('secretsmanager')
messages = greengrasssdk.client('iot-data')


def tried():
    try:
        answer = secrets.get_secret_value(SecretId='greengrass-TestSecret')
    except Exception as e:
        print('No secret: %s' % e)
        return 'Failed to retrieve secret.'
    return 'Success! Retrieved secret.' if answer.get('SecretString') else 'Failed to retrieve secret.'


# Runs once, when the core starts the function.
print('At the start: ' + tried())
sys.stdout.flush()


def function_handler(event, context):
    message = tried()
    messages.publish(topic='secrets/output', payload=message)
    print('published: ' + message)
