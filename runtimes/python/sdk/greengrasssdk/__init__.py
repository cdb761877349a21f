"""Greengrass Core SDK for functions whose package brings none.

The same names and meaning as the public SDK for ``iot-data``, ``lambda`` and ``secretsmanager``. A package that needs the
``streammanager`` client brings the public SDK itself; that copy then wins over this one.
"""

from .client import client
from .Lambda import StreamingBody

__version__ = '1.6.1'
INTERFACE_VERSION = '1.5'
__all__ = ['client', 'StreamingBody', 'INTERFACE_VERSION']
