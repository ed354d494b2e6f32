"""`vllm serve`, so that it can be replaced without anybody noticing.

Its port may be shared by a second server of the same user: a changed one starts there beside this one. vLLM 0.32 allows
that only among several API servers of its own; earlier versions always did. And when it is told to end, it listens no
more from that moment on, and finishes what it is answering before vLLM hears of it, which breaks off the rest.
"""

import asyncio
import signal
import socket
import sys

FINISH = 15  # seconds to finish in: fewer than pi waits before it kills
READ = 0.3  # seconds in which requests on new connections are read
listeners, servers = [], []


def bind_shared(port, bind=socket.socket.bind):
    """`socket.bind`, with SO_REUSEPORT on this port: both of two servers have to set it, or the second is refused."""

    def bind_it(self, address):
        if self.type == socket.SOCK_STREAM and isinstance(address, tuple) and address[1] == port:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listeners.append(self)
        return bind(self, address)

    return bind_it


def listen_no_more():
    for listener in listeners:
        try:
            listener.shutdown(socket.SHUT_RDWR)  # also where another process has it open
        except OSError:
            pass
    for server in servers:
        for one in server.servers:
            one.close()


async def finish():
    """Has connections end after what is being answered on them, and waits for that."""
    await asyncio.sleep(READ)
    for server in servers:
        for connection in list(server.server_state.connections):
            connection.shutdown()
    end = asyncio.get_running_loop().time() + FINISH
    while any(server.server_state.tasks for server in servers) and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.05)


def end_gently(loop):
    """Has event loops of this class do so before anything else is done about SIGTERM."""
    add_signal_handler = loop.add_signal_handler

    def add(self, number, callback, *args):
        ending = []

        async def end():
            try:
                await finish()
            finally:
                callback(*args)

        def told():
            if not ending:
                listen_no_more()
                ending.append(self.create_task(end()))

        return add_signal_handler(self, number, *((told,) if number == signal.SIGTERM else (callback, *args)))

    loop.add_signal_handler = add


def main():
    import uvicorn

    socket.socket.bind = bind_shared(int(sys.argv[sys.argv.index("--port") + 1]))
    startup = uvicorn.Server.startup

    async def noted(self, *args, **options):
        servers.append(self)
        await startup(self, *args, **options)

    uvicorn.Server.startup = noted
    end_gently(asyncio.SelectorEventLoop)
    try:
        import uvloop
    except ImportError:
        pass
    else:
        end_gently(uvloop.Loop)

    from vllm.entrypoints.cli.main import main

    return main()


if __name__ == "__main__":
    # processes that are spawned look for the main file, which moves when this server takes the place of another
    del __file__
    sys.exit(main())
