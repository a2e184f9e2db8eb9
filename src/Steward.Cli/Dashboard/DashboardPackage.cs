using System.ComponentModel;
using System.Diagnostics;
using Steward.Storage;

namespace Steward.Cli.Dashboard;

/// <summary>Fetches the dashboard once, with the SDK's own restore: the user's NuGet sources, credentials and signature rules
/// hold.</summary>
/// <remarks>
/// The project lies in the cache, so a <c>nuget.config</c> of the current folder has no say in what is started here. The version's folder
/// is made beside its place and moved there, so one that is there is complete.
/// </remarks>
internal static class DashboardPackage
{
    public const string Name = "Aspire.Dashboard.Sdk.linux-x64";
    public const string Version = "13.6.5";

    /// <summary>The folder of restored packages within a version's folder.</summary>
    public const string Packages = "packages";

    private const int MostLines = 3;
    private const string Mark = "error ";

    private const string Project = $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <TargetFramework>net10.0</TargetFramework>
            <NuGetAudit>false</NuGetAudit>
            <ImportDirectoryBuildProps>false</ImportDirectoryBuildProps>
            <ImportDirectoryBuildTargets>false</ImportDirectoryBuildTargets>
            <ImportDirectoryPackagesProps>false</ImportDirectoryPackagesProps>
          </PropertyGroup>
          <ItemGroup>
            <PackageDownload Include="{Name}" Version="[{Version}]" />
          </ItemGroup>
        </Project>
        """;

    /// <summary>Puts the dashboard into the cache.</summary>
    /// <exception cref="UsageException">There is no SDK, no source has the package, or the package holds no program.</exception>
    public static async Task FetchAsync(DashboardCache cache, CancellationToken cancellationToken)
    {
        PrivateFiles.CreateFolder(cache.Folder);
        string part = $"{cache.VersionFolder}.{Environment.ProcessId}";
        try
        {
            PrivateFiles.CreateFolder(part);
            string project = Path.Combine(part, "fetch.csproj");
            await File.WriteAllTextAsync(project, Project, cancellationToken);
            await RestoreAsync(project, Path.Combine(part, Packages), cancellationToken);
            if (Directory.Exists(cache.VersionFolder))
                Directory.Delete(cache.VersionFolder, recursive: true); // Without its program, or nobody would have come here.
            Directory.Move(part, cache.VersionFolder);
        }
        finally
        {
            if (Directory.Exists(part))
                Directory.Delete(part, recursive: true);
        }

        if (!File.Exists(cache.Program))
            throw new UsageException($"The package {Name} {Version} holds no program '{cache.Program}'. {DashboardPlatform.Otherwise}");
    }

    private static async Task RestoreAsync(string project, string packages, CancellationToken cancellationToken)
    {
        string[] arguments = ["restore", project, "--packages", packages, "--verbosity", "quiet", "-nologo", "-maxcpucount:1", "-nodeReuse:false"];
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = Path.GetDirectoryName(project)!,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en"; // Errors are told apart by their words.
        start.Environment["DOTNET_NOLOGO"] = "1";
        using Process restore = Start(start);
        restore.StandardInput.Close();
        try
        {
            Task<string> output = restore.StandardOutput.ReadToEndAsync(cancellationToken);
            Task<string> error = restore.StandardError.ReadToEndAsync(cancellationToken);
            string said = $"{await output}\n{await error}";
            await restore.WaitForExitAsync(cancellationToken);
            if (restore.ExitCode != 0)
                throw new UsageException(Explain(said));
        }
        finally
        {
            if (!restore.HasExited)
                restore.Kill(entireProcessTree: true);
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new UsageException($"{NoSdk} 'dotnet' cannot be started: {e.Message}.");
        }
    }

    private static string NoSdk =>
        $"The dashboard is fetched with the .NET 10 SDK, and there is none. Install it, or have a machine with it run 'steward traces' and copy its cache folder here ({DashboardCache.Variable}).";

    /// <summary>What a failed restore means, and what to do about it.</summary>
    internal static string Explain(string said)
    {
        string[] errors =
        [
            .. said.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Where(line => line.Contains(Mark, StringComparison.Ordinal))
                .Select(WithoutProject)
                .Distinct()
                .Take(MostLines),
        ];
        string detail = string.Join('\n', errors);
        if (said.Contains("No .NET SDKs were found", StringComparison.Ordinal) || said.Contains("NETSDK1045", StringComparison.Ordinal))
            return NoSdk;
        if (said.Contains("NU1301", StringComparison.Ordinal))
            return $"The dashboard ({Name} {Version}) was not fetched: a NuGet source did not answer. Check the network and 'dotnet nuget list source'. {DashboardPlatform.Otherwise}\n{detail}";
        return said.Contains("NU1101", StringComparison.Ordinal) || said.Contains("NU1102", StringComparison.Ordinal)
            || said.Contains("NU1100", StringComparison.Ordinal)
            ? $"None of your NuGet sources has {Name} {Version}. 'dotnet nuget list source' names them. {DashboardPlatform.Otherwise}\n{detail}"
            : $"The dashboard ({Name} {Version}) was not fetched. {DashboardPlatform.Otherwise}\n{(detail.Length > 0 ? detail : said.Trim())}";
    }

    /// <summary>An error without the generated project's path before and after it.</summary>
    private static string WithoutProject(string line)
    {
        int end = line.LastIndexOf(" [", StringComparison.Ordinal);
        int begin = line.IndexOf(Mark, StringComparison.Ordinal);
        return line[begin..(end > begin ? end : line.Length)].Trim();
    }
}
