"""Are all words of the screens translated? Extracts anew in a copy and looks for gaps.

Exit 1 with the list when a message has no Chinese, only a fuzzy one, or when its placeholders differ.
"""

import ast
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCALE = "zh_Hans"
SOURCES = [
    "commandcenter",
    "city",
    "datahub",
    "dispatch",
    "hotline",
    "grid",
    "alerts",
    "dashboards",
    "templates",
]


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def extract(copy: Path) -> Path:
    """Run makemessages over a copy of the sources, on top of the committed translations."""
    leave_out = shutil.ignore_patterns("__pycache__", "migrations")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=leave_out)
    messages = copy / "locale" / LOCALE / "LC_MESSAGES"
    messages.mkdir(parents=True)
    for po in (ROOT / "locale" / LOCALE / "LC_MESSAGES").glob("*.po"):
        shutil.copy(po, messages)
    run(
        sys.executable, "-c",
        "from django.conf import settings; settings.configure(USE_I18N=True, LOCALE_PATHS=['locale'])\n"
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        f"call_command('makemessages', locale=['{LOCALE}'], no_obsolete=True, no_location=True, verbosity=0)",
        cwd=copy,
    )  # fmt: skip
    return messages / "django.po"


def message_ids(po_text: str) -> list[str]:
    """The msgids in a PO text, header left out."""
    found: list[str] = []
    current: list[str] | None = None
    for line in po_text.splitlines():
        if line.startswith("msgid "):
            current = [ast.literal_eval(line[6:])]
        elif line.startswith('"') and current is not None:
            current.append(ast.literal_eval(line))
        elif current is not None:
            found.append("".join(current))
            current = None
    return [text for text in found if text]


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        po = extract(Path(folder))
        gaps = {
            "without Chinese": message_ids(run("msgattrib", "--untranslated", str(po), cwd=ROOT)),
            "fuzzy": message_ids(run("msgattrib", "--only-fuzzy", str(po), cwd=ROOT)),
        }
        run("msgfmt", "--check-format", "-o", "/dev/null", str(po), cwd=ROOT)
    for what, texts in gaps.items():
        if texts:
            print(f"{len(texts)} messages {what}:")
            print("\n".join(f"  {text!r}" for text in texts))
    return 1 if any(gaps.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
