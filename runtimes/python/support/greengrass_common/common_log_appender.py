"""The shared handler for lines of the runtime, apart from the function's own log records."""

from greengrass_common.local_cloudwatch_handler import LocalCloudwatchLogHandler
import logging

LOCAL_CLOUDWATCH_FORMAT = '[%(levelname)s]-%(filename)s:%(lineno)d,%(message)s'

local_cloudwatch_handler = LocalCloudwatchLogHandler()
local_cloudwatch_handler.setFormatter(logging.Formatter(LOCAL_CLOUDWATCH_FORMAT))
