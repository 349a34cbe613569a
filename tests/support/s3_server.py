"""The S3 server of tests: where it is, a program whose new lakes lie there, and plain requests.

    server = s3_server.find()             # at TARN_TEST_S3, or started by tests/peers/s3.sh
    server.environment                    # for children: endpoint and keys
    server.program(folder, tarn, prefix)  # FOLDER/tarn: `tarn init` makes lakes on S3
    server.put("prefix/key", b"..")       # and get, delete, list: without tarn

find() raises Missing with the reason if there is no server.
"""

import datetime
import hashlib
import hmac
import http.client
import os
import re
import subprocess
import sys
import urllib.parse
from pathlib import Path
from xml.etree import ElementTree

PEER = Path(__file__).resolve().parents[1] / "peers" / "s3.sh"


class Missing(Exception):
    pass


def find():
    """The server; started here if tests/peers/s3.sh has installed it and it is not running."""
    if os.environ.get("TARN_TEST_S3"):
        return Server(os.environ)
    ran = subprocess.run([PEER, "start"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         check=False, timeout=60)
    if ran.returncode != 0:
        raise Missing("no S3 server: " + ran.stderr.strip().replace("\n", "; "))
    lines = subprocess.run([PEER, "env"], capture_output=True, text=True, check=True).stdout
    pairs = [word for line in lines.splitlines() for word in line.split()[1:]]
    return Server(dict(os.environ, **dict(pair.split("=", 1) for pair in pairs)))


class Server:
    def __init__(self, environment):
        self.endpoint = environment["TARN_TEST_S3"]
        self.root = environment["TARN_TEST_S3_ROOT"]  # s3://bucket/prefix
        self.bucket = self.root.removeprefix("s3://").split("/")[0]
        self.access_key = environment["AWS_ACCESS_KEY_ID"]
        self.secret_key = environment["AWS_SECRET_ACCESS_KEY"]
        self.region = environment.get("AWS_REGION", "us-east-1")
        self.environment = dict(environment, AWS_ENDPOINT_URL_S3=self.endpoint,
                                AWS_EC2_METADATA_DISABLED="true")

    def variables(self):
        """Those of the environment that a lake on the server needs."""
        return {name: value for name, value in self.environment.items()
                if name.startswith(("AWS_", "TARN_TEST_S3"))}

    def program(self, folder, tarn, name):
        """A program in front of tarn that gives each new lake a warehouse of its own."""
        root = f"{self.root}/{name}-{os.getpid()}"
        script = Path(folder, "tarn")
        script.write_text(
            f"#!{sys.executable}\n"
            "import os, sys, uuid\n"
            "a = sys.argv[1:]\n"
            "if 'init' in a and not {'--warehouse', '--example', '-h', '--help'} & set(a):\n"
            f"    a += ['--warehouse', f'{root}/{{uuid.uuid4()}}']\n"
            f"os.execv({str(tarn)!r}, ['tarn'] + a)\n", encoding="utf-8")
        script.chmod(0o755)
        return script

    # --- requests ---

    def put(self, key, body):
        self.ask("PUT", key, body=body)

    def get(self, key):
        return self.ask("GET", key)

    def delete(self, key):
        self.ask("DELETE", key)

    def list(self, prefix):
        """Key -> size."""
        found, token = {}, None
        while True:
            query = {"list-type": "2", "prefix": prefix}
            if token:
                query["continuation-token"] = token
            root = ElementTree.fromstring(re.sub(rb' xmlns="[^"]*"', b"",
                                                 self.ask("GET", "", query=query)))
            for item in root.iter("Contents"):
                found[item.findtext("Key")] = int(item.findtext("Size"))
            token = root.findtext("NextContinuationToken")
            if root.findtext("IsTruncated") != "true":
                return found

    def ask(self, method, key, query=None, body=b"", bucket=None):
        """A signed request; the answer's body, or an exception for an answer that says no."""
        place = urllib.parse.urlsplit(self.endpoint)
        path = urllib.parse.quote(f"/{bucket or self.bucket}" + (f"/{key}" if key else ""), "/~")
        text = "&".join(f"{urllib.parse.quote(name, '~')}={urllib.parse.quote(value, '~')}"
                        for name, value in sorted((query or {}).items()))
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        headers = {"host": place.netloc, "x-amz-date": now,
                   "x-amz-content-sha256": hashlib.sha256(body).hexdigest()}
        headers["authorization"] = self.sign(method, path, text, headers)
        connection = http.client.HTTPConnection(place.netloc, timeout=60)
        try:
            connection.request(method, path + ("?" + text if text else ""), body=body,
                               headers=headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise OSError(f"{method} {key}: {answer.status} {content[:300]!r}")
        return content

    def sign(self, method, path, query, headers):
        """AWS Signature Version 4."""
        date = headers["x-amz-date"]
        scope = f"{date[:8]}/{self.region}/s3/aws4_request"
        names = ";".join(sorted(headers))
        request = "\n".join([method, path, query,
                             *(f"{name}:{headers[name]}" for name in sorted(headers)), "", names,
                             headers["x-amz-content-sha256"]])
        text = "\n".join(["AWS4-HMAC-SHA256", date, scope,
                          hashlib.sha256(request.encode()).hexdigest()])
        key = b"AWS4" + self.secret_key.encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return (f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders={names}, "
                f"Signature={signature}")
