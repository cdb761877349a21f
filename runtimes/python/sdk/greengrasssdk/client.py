"""``greengrasssdk.client('iot-data')`` and its like."""


def client(client_type, *args, **kwargs):
    if client_type == 'iot-data':
        from .IoTDataPlane import Client
    elif client_type == 'lambda':
        from .Lambda import Client
    elif client_type == 'secretsmanager':
        from .SecretsManager import Client
    elif client_type == 'streammanager':
        raise Exception('The streammanager client is not in the built-in greengrasssdk: '
                        'add the greengrasssdk package from PyPI to the function.')
    else:
        raise Exception('Client type {!r} is not recognized.'.format(client_type))
    return Client(*args, **kwargs)
