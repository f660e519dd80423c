"""Connectors that do what a connector must not, one for each word that may be its argument."""
import concurrent.futures, json, os, resource, sys, time
import grpc
from rabt.source.v1 import source_service_pb2 as pb, source_service_pb2_grpc as rpc

HOW = sys.argv[1]
PROTOCOL = 2 if HOW in ("changing", "listless") else 1


def rows(count, text="x"):
    column = pb.Column(text=text * count, lengths=[len(text)] * count)
    return pb.ReadResponse(rows=pb.Rows(row_count=count, columns=[column]))


def log(level, message):
    print(json.dumps({"level": level, "message": message}), file=sys.stderr, flush=True)


class Source(rpc.SourceServiceServicer):
    def Describe(self, request, context):
        if HOW == "silent":
            time.sleep(3600)
        return pb.DescribeResponse(protocol=7 if HOW == "liar" else PROTOCOL, version="1.0", snapshot=True,
                                   changes=HOW in ("changing", "boasting", "listless"),
                                   kind="other" if HOW == "impostor" else HOW, label_en=HOW, label_ar=HOW)

    def Check(self, request, context):
        """Tells where it finds itself, and who calls."""
        memory, _ = resource.getrlimit(resource.RLIMIT_AS)
        folder = os.path.dirname(SOCKET)
        found = {"environment": " ".join(sorted(os.environ)), "memory": str(memory), "arguments": " ".join(sys.argv[1:]),
                 "folder": oct(os.stat(folder).st_mode & 0o777), "current": str(os.getcwd() == folder),
                 "cookie": str(("rabt-cookie", COOKIE) in context.invocation_metadata())}
        if HOW == "finding":
            return pb.CheckResponse(findings=[pb.Finding(id="again", outcome=pb.OUTCOME_PASS)] * 1_001)
        return pb.CheckResponse(findings=[pb.Finding(id=name, outcome=pb.OUTCOME_PASS, summary=text)
                                          for name, text in found.items()])

    def Discover(self, request, context):
        if HOW == "hanging":  # and says who it is, to whoever wants to see it gone
            with open(os.path.join(request.session.base, "pid"), "w") as file:
                file.write(str(os.getpid()))
            os.rename(os.path.join(request.session.base, "pid"), os.path.join(request.session.base, "process"))
            time.sleep(3600)
        columns = [pb.ColumnInfo()] * 100_000 if HOW == "hoarding" else []
        number = 0
        while True:
            number += 1
            yield pb.DiscoverResponse(table=pb.Table(name=f"t{number}", columns=columns))

    def Read(self, requests, context):
        next(requests)
        if HOW == "changing":  # a page, and one more for each commit that it is told of
            for page in range(3):
                yield rows(10)
                yield pb.ReadResponse(checkpoint=pb.Checkpoint(position=str(page), rows=10))
                assert next(requests).committed.position == str(page)
            return
        if HOW == "emptying":
            yield pb.ReadResponse(truncated=pb.Truncated())
        if HOW == "memory":
            held = bytearray(8 << 30)
        if HOW == "raising":
            raise ValueError("29001011234567")
        if HOW == "logging":
            log("warn", "row 17 of 29001011234567 is منى")
            print("a line that is no log line: 28402110110118", file=sys.stderr, flush=True)
            print("nor does this belong here", flush=True)
        if HOW == "flooding":
            while True:
                log("info", "again")
        if HOW == "large":
            yield rows(80, "y" * (64 << 10))
        if HOW == "endless":
            while True:
                yield rows(1_000)
        if HOW == "small":
            for _ in range(20_000):
                yield rows(1)
            yield pb.ReadResponse(checkpoint=pb.Checkpoint(position="end", rows=20_000))
            return
        if HOW == "nothing":
            yield pb.ReadResponse()
        if HOW == "wide":
            yield pb.ReadResponse(rows=pb.Rows(row_count=1))
        yield rows(10)
        if HOW == "crashing":
            os.abort()
        if HOW == "deaf":
            time.sleep(3600)
        yield pb.ReadResponse(checkpoint=pb.Checkpoint(position="end", rows=11 if HOW == "miscounting" else 10))


    if HOW == "changing":
        def Forget(self, request, context):
            return pb.ForgetResponse()


def halved(message):
    return message.SerializeToString()[:-3]


class Half(grpc.ServerInterceptor):
    """Sends every message of a read but for its last bytes."""

    def intercept_service(self, continuation, details):
        handler = continuation(details)
        if HOW == "half" and details.method.endswith("/Read"):
            return handler._replace(response_serializer=halved)
        return handler


if HOW == "mute":
    time.sleep(3600)
if HOW == "shouting":
    while True:
        sys.stdout.write("x" * 65536)
if HOW == "quitting":
    sys.exit(3)
if HOW == "chatting":
    print("hello", flush=True)
    time.sleep(3600)
host = json.loads(sys.stdin.buffer.readline())
SOCKET, COOKIE = host["socket"], host["cookie"]
if HOW != "absent":
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8), interceptors=[Half()])
    rpc.add_SourceServiceServicer_to_server(Source(), server)
    server.add_insecure_port("unix:" + SOCKET + ("x" if HOW == "elsewhere" else ""))
    server.start()
print(json.dumps({"protocol": 7 if HOW == "modern" else PROTOCOL, "version": "1.0"}), flush=True)
sys.stdin.buffer.read()
os._exit(0)
