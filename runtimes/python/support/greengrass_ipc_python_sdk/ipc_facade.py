"""Calls to services of the core by name, the form that the machine-learning SDK uses.

No such service is served yet: a call answers with an error that says so, in the shape callers look for.
"""


class GreengrassRuntimeException(Exception):
    pass


class GreengrassServiceMessage(object):
    def __init__(self, context, payload):
        self.context = context
        self.payload = payload


class GreengrassServiceCallOutput(object):
    def __init__(self, response, error_response):
        self.response = response
        self.error_response = error_response


class GreengrassServiceClient(object):
    def call(self, address, message):
        raise GreengrassRuntimeException(
            'The service {} is not on this core: the machine-learning connectors are not installed.'.format(address))
