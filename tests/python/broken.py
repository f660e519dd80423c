"""The example with one fault, for each word that may be its argument: the suite must find it."""
import importlib.machinery, importlib.util, os, subprocess, sys, time

EXIT, READS = os._exit, []
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

elif sys.argv[1] == "trusting":  # nobody needs a cookie
    example.Cookie.intercept_service = lambda self, continuation, details: continuation(details)
elif sys.argv[1] == "outliving":  # the end of the host is not its end
    os._exit = lambda code: time.sleep(3600)
elif sys.argv[1] == "polite":  # it waits for reads to end before it does
    read = example.read

    def counted(*given):
        READS.append(given)
        yield from read(*given)
        READS.pop()

    example.read = counted
    os._exit = lambda code: time.sleep(3600) if READS else EXIT(code)
elif sys.argv[1] in ("leaving", "escaping"):  # what it starts lives on
    subprocess.Popen(["/bin/sleep", "20"], start_new_session=sys.argv[1] == "escaping")
elif sys.argv[1] in ("printing", "raising"):  # values come into the log
    cell = example.cell

    def shown(value):
        if sys.argv[1] == "raising" and value == example.Text(b"quixotry"):
            raise ValueError(value)
        print(value.decode() if isinstance(value, bytes) else value, file=sys.stderr, flush=True)
        return cell(value)

    example.cell = shown
elif sys.argv[1] == "deaf":  # it sends on, and does not see that nobody wants it
    example.wait = lambda requests, gone: None
    read = example.read

    def slowly(*given):
        for message in read(*given):
            yield message
            time.sleep(2)

    example.read = slowly

example.main(example.Source())
