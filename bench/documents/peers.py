"""Text of documents by other readers, for bench/documents.ts: a JSON line {file, reader, text} for each file and reader that has it."""
import json
import os
import subprocess
import sys

folder = sys.argv[1]
try:
    import docx
except ImportError:
    docx = None
try:
    import pymupdf
except ImportError:
    pymupdf = None

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}t"


def readers(path):
    if path.endswith(".docx") and docx:
        yield "python-docx", lambda: "".join(t.text or "" for t in docx.Document(path).element.body.iter(W))
    if path.endswith(".pdf"):
        command = ["pdftotext", "-enc", "UTF-8", path, "-"]
        yield "pdftotext", lambda: subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8", "replace")
        if pymupdf:
            yield "PyMuPDF", lambda: "".join(page.get_text() for page in pymupdf.open(path))


for name in sorted(os.listdir(folder)):
    for reader, read in readers(os.path.join(folder, name)):
        try:
            print(json.dumps({"file": name, "reader": reader, "text": read()}), flush=True)
        except FileNotFoundError as missing:
            sys.exit(f"{missing.filename} is not installed")
        except Exception as error:  # a file that this reader cannot take
            print(f"{name}: {reader}: {error}", file=sys.stderr)
