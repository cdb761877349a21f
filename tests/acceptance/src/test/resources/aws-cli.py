"""The AWS CLI, loaded once and called often.

Each call is a fork of this process, which has loaded the CLI and done nothing with it: it does what
a process of its own would do, less the second that loading takes.

A call is a line with the list of its arguments as JSON. The answer is a line with the exit code and
the number of bytes of the output (standard output and error as they came), and then the output.
"""

import json
import os
import sys

import awscli.clidriver
import botocore.client  # noqa: F401 loaded lazily otherwise, by each fork
import botocore.endpoint  # noqa: F401
import botocore.signers  # noqa: F401


def become(arguments, output):
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = ["aws", *arguments]
    try:
        code = awscli.clidriver.main()
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else 0 if code is None else 1


def call(arguments):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 255
        try:
            os.close(reading)
            code = become(arguments, writing)
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        output = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), output


awscli.clidriver.create_clidriver()  # loads what the CLI is extended with
answers = sys.stdout.buffer
answers.write(b"ready\n")
answers.flush()
for line in sys.stdin:
    exit_code, text = call(json.loads(line))
    answers.write(b"%d %d\n" % (exit_code, len(text)))
    answers.write(text)
    answers.flush()
