using System.Runtime.InteropServices;

namespace Steward.Cli.Dashboard;

/// <summary>Where the packaged dashboard can run.</summary>
internal static class DashboardPlatform
{
    /// <summary>What to do where the package cannot be had.</summary>
    public const string Otherwise =
        "The dashboard's container runs elsewhere: start the image dotnet/aspire-dashboard of Microsoft's registry with '-p 127.0.0.1:18888:18888 -p 127.0.0.1:18890:18890' and send with '--telemetry aspire' (docs/observability.md).";

    /// <exception cref="UsageException">It is not Linux with glibc on x64.</exception>
    public static void Check() => Check(RuntimeInformation.RuntimeIdentifier, OperatingSystem.IsLinux(), RuntimeInformation.OSArchitecture);

    /// <exception cref="UsageException">It is not Linux with glibc on x64.</exception>
    public static void Check(string identifier, bool isLinux, Architecture architecture)
    {
        bool isMusl = identifier.Contains("musl", StringComparison.Ordinal) || identifier.StartsWith("alpine", StringComparison.Ordinal);
        if (!isLinux || isMusl || architecture != Architecture.X64)
            throw new UsageException($"'steward traces' runs the dashboard on Linux with glibc on x64 only, and this is '{identifier}'. {Otherwise}");
    }
}
