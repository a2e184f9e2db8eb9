using Xunit;

namespace Steward.Tests.Shared;

internal static partial class Requirement
{
    /// <summary>PostgreSQL's programs in <c>/usr/lib/postgresql</c>; gives the server of this test process.</summary>
    public static PostgresServer Postgres()
    {
        if (PostgresServer.FindBin() is not null)
            return PostgresServer.Shared;
        const string Reason = "PostgreSQL is not installed in /usr/lib/postgresql.";
        string[] required = (Environment.GetEnvironmentVariable("STEWARD_REQUIRE") ?? "").Split(',', StringSplitOptions.TrimEntries);
        if (required.Contains("postgres"))
            Assert.Fail($"{Reason} STEWARD_REQUIRE names 'postgres'.");
        Assert.Skip(Reason);
        return null!;
    }
}
