"""Counts cars at green lights and keeps a record of every third green in a bucket.

No credentials stand here. The core serves those of the group's role at
AWS_CONTAINER_CREDENTIALS_FULL_URI, and AWS's SDKs find them by themselves; this file shows what
they do, with Python's own library alone. BUCKET and S3_ENDPOINT come from the function's
environment in the group.
"""
import datetime
import hashlib
import hmac
import json
import logging
import os
import random
import sys

try:
    from urllib.error import HTTPError
    from urllib.parse import urlsplit
    from urllib.request import Request, urlopen
except ImportError:  # Python 2.7
    from urllib2 import HTTPError, Request, urlopen
    from urlparse import urlsplit

logging.basicConfig(stream=sys.stdout, level=logging.INFO)
log = logging.getLogger()
REGION = os.environ.get('AWS_REGION', 'us-east-1')
cars = []


def credentials():
    request = Request(os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI'],
                      headers={'Authorization': os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN']})
    return json.loads(urlopen(request, timeout=40).read().decode('utf-8'))


def keyed(key, text):
    return hmac.new(key, text.encode('utf-8'), hashlib.sha256).digest()


def put(name, body):
    """Writes an object to the bucket, with Signature Version 4."""
    role = credentials()
    url = '%s/%s/%s' % (os.environ['S3_ENDPOINT'], os.environ['BUCKET'], name)
    parts = urlsplit(url)
    now = datetime.datetime.utcnow().strftime('%Y%m%dT%H%M%SZ')
    digest = hashlib.sha256(body).hexdigest()
    headers = [('host', parts.netloc), ('x-amz-content-sha256', digest), ('x-amz-date', now),
               ('x-amz-security-token', role['Token'])]
    names = ';'.join(key for key, _ in headers)
    canonical = '\n'.join(['PUT', parts.path, ''] + ['%s:%s' % h for h in headers] + ['', names, digest])
    scope = '%s/%s/s3/aws4_request' % (now[:8], REGION)
    to_sign = '\n'.join(['AWS4-HMAC-SHA256', now, scope, hashlib.sha256(canonical.encode('utf-8')).hexdigest()])
    key = ('AWS4' + role['SecretAccessKey']).encode('utf-8')
    for step in (now[:8], REGION, 's3', 'aws4_request'):
        key = keyed(key, step)
    request = Request(url, data=body, headers=dict(headers[1:]))
    request.get_method = lambda: 'PUT'
    request.add_header('Authorization', 'AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s' % (
        role['AccessKeyId'], scope, names, hmac.new(key, to_sign.encode('utf-8'), hashlib.sha256).hexdigest()))
    urlopen(request, timeout=40).read()


def function_handler(event, context):
    if event['current']['state']['reported']['property'] != 'G':
        return
    cars.append(random.randint(1, 20))
    if len(cars) % 3:
        return
    record = {'Time': datetime.datetime.utcnow().isoformat(), 'MaxCarsPassing': max(cars),
              'MinCarsPassing': min(cars), 'TotalGreenlights': len(cars), 'TotalTraffic': sum(cars)}
    try:
        put('CarStats/%d.json' % len(cars), json.dumps(record).encode('utf-8'))
        log.info('kept %s', record)
    except HTTPError as e:
        log.error('The record is not kept: %s %s', e.code, e.read().decode('utf-8', 'replace'))
