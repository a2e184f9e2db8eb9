namespace Steward.Cli.Dashboard;

/// <summary>Where this user's dashboard is kept, and the address of the one that runs.</summary>
/// <param name="folder">The folder; it is made when it is needed, for its owner alone.</param>
internal sealed class DashboardCache(string folder)
{
    /// <summary>Names another folder than <c>~/.steward/dashboard</c>.</summary>
    public const string Variable = "STEWARD_DASHBOARD";

    public string Folder => folder;

    /// <summary>One folder for each version, complete as soon as it is there.</summary>
    public string VersionFolder => Path.Combine(folder, DashboardPackage.Version);

    public string Program => Path.Combine(
        VersionFolder, DashboardPackage.Packages, DashboardPackage.Name.ToLowerInvariant(), DashboardPackage.Version, "tools", "Aspire.Dashboard");

    /// <summary>How to reach the dashboard that runs; not there while none runs.</summary>
    public string RunningFile => Path.Combine(folder, "running.json");

    /// <exception cref="UsageException">This user has no home folder, and the variable names no other one.</exception>
    public static DashboardCache Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { } named && !string.IsNullOrWhiteSpace(named))
            return new DashboardCache(Path.GetFullPath(named));
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return home.Length > 0
            ? new DashboardCache(Path.Combine(home, ".steward", "dashboard"))
            : throw new UsageException($"This user has no home folder to keep the dashboard in. Name a folder with {Variable}.");
    }
}
