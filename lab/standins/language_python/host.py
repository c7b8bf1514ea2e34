"""The language host's side of Pulumi's LanguageRuntime protocol."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

import versions
from lab.standins.language_python import child, install, packages, plugin
from lab.standins.language_python.options import OptionError, interpreter

Context = Any  # grpc.aio.ServicerContext; the library ships no types
Answer = TypeVar("Answer")


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Serves one engine; a program at a time is usual, several are possible."""

    def __init__(self, engine_address: str) -> None:
        """The engine's address is what the program logs to."""
        self._engine = engine_address
        self._running: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Ends every program under way, and what these started."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def Handshake(self, request: Any, _context: Context) -> language_pb2.LanguageHandshakeResponse:
        """Takes the engine's address where none was given at the start."""
        self._engine = request.engine_address or self._engine
        return language_pb2.LanguageHandshakeResponse()

    async def GetPluginInfo(self, _request: Any, _context: Context) -> plugin_pb2.PluginInfo:
        """The version of the CLI that it belongs to."""
        return plugin_pb2.PluginInfo(version=versions.PULUMI)

    async def Cancel(self, _request: Any, _context: Context) -> empty_pb2.Empty:
        """Ends every program under way."""
        await self.close()
        return empty_pb2.Empty()

    async def About(self, request: language_pb2.AboutRequest, context: Context) -> language_pb2.AboutResponse:
        """Which Python runs the program, and what this host is."""
        python = await self._answer(context, _python(request.info))
        return language_pb2.AboutResponse(
            executable=str(python),
            version=await packages.python_version(python),
            metadata={"toolchain": "pip", "host": f"stand-in for pulumi-language-python {versions.PULUMI}"},
        )

    async def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: Context
    ) -> language_pb2.GetRequiredPackagesResponse:
        """The resource plugins that the installed packages need, with the version and the server that each names."""

        async def find() -> language_pb2.GetRequiredPackagesResponse:
            found = await packages.plugins(await _python(request.info))
            return language_pb2.GetRequiredPackagesResponse(packages=[_dependency(plugin) for plugin in found])

        return await self._answer(context, find())

    async def GetRequiredPlugins(
        self, request: language_pb2.GetRequiredPluginsRequest, context: Context
    ) -> language_pb2.GetRequiredPluginsResponse:
        """The same for older engines."""

        async def find() -> language_pb2.GetRequiredPluginsResponse:
            found = [_dependency(plugin) for plugin in await packages.plugins(await _python(request.info))]
            plugins = [
                plugin_pb2.PluginDependency(name=it.name, kind=it.kind, version=it.version, server=it.server)
                for it in found
            ]
            return language_pb2.GetRequiredPluginsResponse(plugins=plugins)

        return await self._answer(context, find())

    async def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: Context
    ) -> language_pb2.GetProgramDependenciesResponse:
        """What is installed in the program's Python."""

        async def find() -> language_pb2.GetProgramDependenciesResponse:
            found = await packages.distributions(await _python(request.info), transitive=request.transitiveDependencies)
            listed = [language_pb2.DependencyInfo(name=name, version=version) for name, version in found]
            return language_pb2.GetProgramDependenciesResponse(dependencies=listed)

        return await self._answer(context, find())

    async def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: Context
    ) -> AsyncIterator[language_pb2.InstallDependenciesResponse]:
        """Makes the virtualenv where it is missing and installs requirements.txt there; output as it comes."""
        try:
            async for line in install.dependencies(Path(request.info.root_directory), _options(request.info)):
                yield language_pb2.InstallDependenciesResponse(stdout=line)
        except (OptionError, install.InstallError) as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))

    async def RuntimeOptionsPrompts(self, _request: Any, _context: Context) -> language_pb2.RuntimeOptionsResponse:
        """`pulumi new` asks nothing more."""
        return language_pb2.RuntimeOptionsResponse()

    async def Run(self, request: language_pb2.RunRequest, context: Context) -> language_pb2.RunResponse:
        """Runs the program to its end."""
        if request.attach_debugger:
            return language_pb2.RunResponse(
                error="--attach-debugger is not supported by the stand-in for pulumi-language-python"
            )

        async def run() -> language_pb2.RunResponse:
            code = await child.run(await _python(request.info), self._description(request))
            if code == child.EXPLAINED:
                return language_pb2.RunResponse(bail=True)
            if code < 0:
                return language_pb2.RunResponse(error=f"program was ended by signal {-code}")
            return language_pb2.RunResponse(error=f"program exited with non-zero exit code: {code}" if code else "")

        return await self._answer(context, run())

    async def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: Context
    ) -> AsyncIterator[language_pb2.RunPluginResponse]:
        """Runs a plugin until the engine has enough of it. A policy pack has its own directory as the working one."""
        try:
            arguments = _plugin(request)
        except (OptionError, ValueError) as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        place = request.info.program_directory if request.kind == "analyzer" else request.pwd
        async for said in plugin.run(arguments, place, dict(line.split("=", 1) for line in request.env)):
            yield said

    def _description(self, request: language_pb2.RunRequest) -> dict[str, Any]:
        return {
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization or "organization",
            "root_directory": request.info.root_directory,
            "program_directory": request.info.program_directory or request.pwd,
            "entry_point": request.info.entry_point or request.program or ".",
            "monitor": request.monitor_address,
            "engine": self._engine,
            "parallel": request.parallel,
            "dry_run": request.dryRun,
            "config": dict(request.config),
            "secret_keys": list(request.configSecretKeys),
            "args": list(request.args),
        }

    async def _answer(self, context: Context, work: Awaitable[Answer]) -> Answer:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await context.abort(grpc.StatusCode.CANCELLED, "cancelled")
        except (OptionError, RuntimeError) as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        finally:
            self._running.discard(task)
        raise AssertionError("abort returned")


async def _python(info: language_pb2.ProgramInfo) -> Path:
    return interpreter(Path(info.root_directory), _options(info))


def _plugin(request: language_pb2.RunPluginRequest) -> list[str]:
    if request.attach_debugger:
        raise OptionError("--attach-debugger is not supported by the stand-in for pulumi-language-python")
    # The official host takes `venv` where a package of components names none: never the Python on PATH.
    usual = {"virtualenv": "venv"} if request.kind == "resource" else {}
    python = interpreter(Path(request.info.root_directory), {**usual, **_options(request.info)})
    return plugin.command(python, request.kind, request.info.program_directory, request.args)


def _options(info: language_pb2.ProgramInfo) -> Mapping[str, Any]:
    options: Mapping[str, Any] = json_format.MessageToDict(info.options)
    return options


def _dependency(plugin: Mapping[str, Any]) -> plugin_pb2.PackageDependency:
    version = str(plugin.get("version") or "")
    return plugin_pb2.PackageDependency(
        name=plugin["name"],
        kind="resource",
        version=version if not version or version.startswith("v") else f"v{version}",
        server=str(plugin.get("server") or ""),
    )
