"""Log handler of the runtime's own lines.

The core reads stderr of each worker into the function's log, so a record simply goes there, whole and at once.
"""

import logging
import sys


class LocalCloudwatchLogHandler(logging.Handler):
    def __init__(self, *args, **kwargs):
        # Early packages name a component and a log group here; the core knows both.
        logging.Handler.__init__(self, kwargs.get('level', logging.NOTSET))

    def emit(self, record):
        try:
            sys.stderr.write(self.format(record) + '\n')
            sys.stderr.flush()
        except Exception:  # the logging module's own way to report a broken stream
            self.handleError(record)
