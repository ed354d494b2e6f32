# Whether a vLLM that was just installed can start: `import vllm` alone loads neither its compiled part nor the driver's
# library. What a build is for is asked of vLLM, as it will ask itself.
import importlib
import importlib.util
import os
import sys
import sysconfig

import torch
import vllm
from vllm.platforms import current_platform


def headers():
    scheme = sysconfig.get_default_scheme() if hasattr(sysconfig, "get_default_scheme") else "posix_prefix"
    include = sysconfig.get_path("include", "posix_prefix" if scheme == "posix_local" else scheme)
    return os.path.isfile(os.path.join(include, "Python.h")) or "CPATH" in os.environ or "C_INCLUDE_PATH" in os.environ


if torch.version.cuda and not current_platform.is_cpu():
    for name in ("vllm._C", "vllm._C_stable_libtorch"):
        if importlib.util.find_spec(name):
            try:
                importlib.import_module(name)
            except ImportError as why:
                if "libcuda.so" in str(why):
                    sys.exit(f"{why}: the container was given its GPUs without the driver's CUDA library; a container "
                             "with NVIDIA_DRIVER_CAPABILITIES=compute,utility has it")
                raise
    if not headers():
        sys.exit(f"Python {sys.version.split()[0]} has no headers, and vLLM compiles kernels with them as it starts: "
                 f"install python3-dev there")
