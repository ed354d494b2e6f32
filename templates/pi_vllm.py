"""`vllm serve`, on a port that a second server of the same user may share: a changed one starts there beside this one.

vLLM 0.32 lets a port be shared only among several API servers of one `vllm serve`; earlier versions always did.
"""

import socket
import sys


def shared(bind, port):
    """`socket.bind`, which sets SO_REUSEPORT on this port: for both of two servers, or the second one is refused."""

    def bind_shared(self, address):
        if self.type == socket.SOCK_STREAM and isinstance(address, tuple) and address[1] == port:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return bind(self, address)

    return bind_shared


if __name__ == "__main__":
    port = int(sys.argv[sys.argv.index("--port") + 1])
    socket.socket.bind = shared(socket.socket.bind, port)
    # processes that are spawned look for the main file, which moves when this server takes the place of another
    del __file__

    from vllm.entrypoints.cli.main import main

    sys.exit(main())
