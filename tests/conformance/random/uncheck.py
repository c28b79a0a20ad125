#!/usr/bin/python3
"""Writes src/endpoint/send.c with the no-downgrade check taken out, for the test that has to notice: uncheck.py SEND_C OUTPUT"""

import sys

CHECK = "	if (!flow_meets(flow, &sending->require)) {\n"

with open(sys.argv[1], encoding="utf-8") as source:
    text = source.read()
if text.count(CHECK) != 1:
    sys.exit(f"{sys.argv[1]}: the check is not where it was; this script has to know it")
with open(sys.argv[2], "w", encoding="utf-8") as output:
    output.write(text.replace(CHECK, "	if (!flow_meets(flow, &sending->require) && !sending) {\n"))
