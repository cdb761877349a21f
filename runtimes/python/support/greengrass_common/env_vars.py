"""The environment of a function process as module constants.

A constant is ``None`` where the variable is absent; the Core SDK goes into its mock mode when MY_FUNCTION_ARN is.
"""

import os

AUTH_TOKEN = os.getenv('AWS_CONTAINER_AUTHORIZATION_TOKEN')
MY_FUNCTION_ARN = os.getenv('MY_FUNCTION_ARN')
ENCODING_TYPE = os.getenv('ENCODING_TYPE', 'json')
SHADOW_FUNCTION_ARN = os.getenv('SHADOW_FUNCTION_ARN')
ROUTER_FUNCTION_ARN = os.getenv('ROUTER_FUNCTION_ARN')
SECRETS_MANAGER_FUNCTION_ARN = os.getenv('SECRETS_MANAGER_FUNCTION_ARN')
GG_DAEMON_PORT = os.getenv('GG_DAEMON_PORT', '8000')
GGC_MAX_INTERFACE_VERSION = os.getenv('GGC_MAX_INTERFACE_VERSION')
