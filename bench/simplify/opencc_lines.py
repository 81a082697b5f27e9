"""Lines of standard input through OpenCC (PyPI OpenCC), configuration named by the first argument; for bench/simplify.ts."""

import sys

import opencc

convert = opencc.OpenCC(sys.argv[1]).convert
for line in sys.stdin:
    print(convert(line.rstrip("\n")))
