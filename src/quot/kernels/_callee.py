"""What kernels call is compiled where they call it, and there alone.

By itself Numba also optimises such a function for itself and makes machine code of it, with a way
in from Python: then half of all compiling is for what nobody runs.
"""

from numba import version_info
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, Flags

# This goes deeper into Numba than its documentation does. Of a version that it has not been tried
# with only the plain way is taken, which gives the same, later.
IS_TRIED = (0, 61) <= version_info[:2] <= (0, 68)
_HASH = hash(Flags())


class _Options(Flags):
    """All options, quick to compare: they are part of each key to what has been compiled."""

    __slots__ = ()

    def __init__(self, options):
        super().__init__(options)
        self._values = options.values()

    def __hash__(self):
        return _HASH

    def __eq__(self, other):
        return self._values == (other._values if type(other) is _Options else other.values())


class _Code(JITCodeLibrary):
    """Code to be linked into that of others, which optimises it."""

    def _optimize_final_module(self):
        pass

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    @property
    def codegen(self):  # it is asked for only to tell the machine code what it runs in
        return self

    def set_env(self, name, env):
        pass


class Kernel(Compiler):
    """As Numba compiles, with options that are quick to compare."""

    def __init__(self, typingctx, targetctx, library, args, return_type, flags, names):
        flags = _Options(flags)
        super().__init__(typingctx, targetctx, library, args, return_type, flags, names)


class Callee(Kernel):
    """The same for what kernels call."""

    def __init__(self, typingctx, targetctx, library, *rest):
        super().__init__(typingctx, targetctx, _Code(targetctx.codegen(), "callee"), *rest)

    def define_pipelines(self):
        self.state.flags.no_cpython_wrapper = True  # an option of its own, not of what it calls
        return super().define_pipelines()
