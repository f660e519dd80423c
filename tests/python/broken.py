"""The example with one fault, for each word that may be its argument: the suite must find it."""
import importlib.machinery, importlib.util, os, sys

HERE = os.path.dirname(os.path.abspath(__file__))
loader = importlib.machinery.SourceFileLoader("example", os.path.join(HERE, "rabt-connector-sqlite-python"))
example = importlib.util.module_from_spec(importlib.util.spec_from_loader("example", loader))
loader.exec_module(example)

if sys.argv[1] == "null":  # NULL comes as the empty text
    cell = example.cell
    example.cell = lambda value: cell(example.Text(b"") if value is None else value)
elif sys.argv[1] == "count":  # a checkpoint counts a row too many
    checkpoint = example.checkpoint
    example.checkpoint = lambda identity, last, done, rows: checkpoint(identity, last, done, rows + 1)

example.main(example.Source())
