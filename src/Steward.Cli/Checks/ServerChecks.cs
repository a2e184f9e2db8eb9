using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Declarative.Stores;
using Steward.Postgres;

namespace Steward.Cli.Checks;

/// <summary>Whether a PostgreSQL server keeps what it acknowledges, and who works on it.</summary>
internal static class ServerChecks
{
    private static readonly TimeSpan s_skew = TimeSpan.FromSeconds(5);

    public static IEnumerable<Check> Of(StoreAddress address, PostgresServerInfo server, TimeProvider time)
    {
        string opens = $"{address} opens (PostgreSQL {server.Version}, schema version {server.SchemaVersion}, {Show.Bytes(server.Bytes)})";
        yield return server.IsReadOnly
            ? Check.Fail(
                "database",
                $"{opens}, but is read-only",
                "Connect to the primary: 'Target Session Attributes=primary' with all hosts in the address.")
            : Check.Ok("database", opens);
        yield return server.Unsafe.Count == 0
            ? Check.Ok("durable", "fsync, synchronous_commit and full_page_writes are on")
            : Check.Fail(
                "durable",
                $"off: {string.Join(", ", server.Unsafe)}; what is acknowledged may be lost when the machine fails",
                "Switch them on in postgresql.conf.");
        yield return server.ChecksIndexes
            ? Check.Ok("indexes", "amcheck is there: the full check compares indexes with tables")
            : Check.Ok(
                "indexes",
                "not compared with the tables: an administrator can allow it (CREATE EXTENSION amcheck, and a grant on bt_index_check)");
        TimeSpan offset = server.Now - time.GetUtcNow();
        yield return offset.Duration() > s_skew
            ? Check.Warn(
                "clock",
                $"this machine is {Math.Abs(offset.TotalSeconds):0.0} s {(offset > TimeSpan.Zero ? "behind" : "ahead of")} the server",
                "Set the clocks (NTP). Leases go by the server's alone; due times that a run works out go by its node's.")
            : Check.Ok("clock", "this machine and the server agree");
        PostgresNode[] alive =
            [.. server.Nodes.Where(n => n.ExpiresAt > server.Now)], gone =
                [.. server.Nodes.Where(n => n.ExpiresAt <= server.Now && n.Runs > 0)];
        yield return Check.Ok(
            "nodes",
            alive.Length == 0 ? "no worker at the moment" : string.Join(", ", alive.Select(n =>
                $"{n.Name} ({Show.Count(n.Runs, "run")})")));
        foreach (PostgresNode node in gone)
            yield return Check.Warn(
                "nodes",
                $"{node.Name} gave no sign of life since {Show.Moment(node.ExpiresAt)} and holds {Show.Count(node.Runs, "run")}",
                "Start a worker that has its agents: it takes them over.");
    }
}
