"""A payload with its extension map, the shape in which early packages pass messages about."""


class GreengrassMessage(object):
    def __init__(self, payload=b'', **extension_map):
        self.payload = payload
        self.extension_map = extension_map
