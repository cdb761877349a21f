"""Starts a Python worker of the core: ``python3 -u lambda_runtime.py --handler module.function``.

Only a door: a program that Python is started with is compiled anew each time, a module it imports is not.
"""

import sys

if __name__ == '__main__':
    from ryegrass_worker import main
    main(sys.argv)
