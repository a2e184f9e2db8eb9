using System.Text.Json;
using Steward.Cli.Host;
using Steward.Declarative.Stores;

namespace Steward.Cli.Tests.Commands;

/// <summary>The commands on a PostgreSQL database. The models are scripted.</summary>
public sealed class PostgresTests
{
    private const string Paying = """
        prices: { input: 1, output: 5 }
        turns:
          - when: { turn: 1 }
            say: I pay.
            call: { tool: pay, arguments: { amount: 500 } }
          - say: Paid.
        """;

    [Fact]
    public async Task Commands_OnPostgres_DoWhatTheyDoOnAFile()
    {
        await using PostgresFolder folder = await PostgresFolder.CreateAsync(Paying, Tools(approval: true));
        await folder.ExecuteAsync("CREATE TABLE paid (amount integer NOT NULL, token text PRIMARY KEY)");

        (await folder.RunAsync("run", ".", "Pay", "--tenant", "acme")).Is(ExitCodes.Awaiting);
        Assert.Contains("approve-1.0", (await folder.RunAsync("inbox")).Output, StringComparison.Ordinal);
        (await folder.RunAsync("approve", "last", "--by", "ana")).Is(ExitCodes.Ok);
        (await folder.RunAsync("run", ".", "--resume", "last")).Is(ExitCodes.Ok);
        Assert.Equal(1L, await folder.ScalarAsync<long>("SELECT count(*) FROM paid"));

        JsonElement run = (await folder.JsonAsync("runs")).GetProperty("runs")[0];
        Assert.Equal(("completed", "acme"), (run.GetProperty("status").GetString(), run.GetProperty("tenant").GetString()));
        Assert.Contains("ana answered approve-1.0", (await folder.RunAsync("show", "last")).Output, StringComparison.Ordinal);
        (await folder.RunAsync("replay", "last", "--agent", ".")).Is(ExitCodes.Ok);
        (await folder.RunAsync("feedback", "last", "--score", "1")).Is(ExitCodes.Ok);
        (await folder.RunAsync("budget", "set", "tenant:acme", "--usd", "5")).Is(ExitCodes.Ok);
        Assert.Contains("tenant:acme", (await folder.RunAsync("budget", "show", "tenant:acme")).Output, StringComparison.Ordinal);
        (await folder.RunAsync("kill", "on", "tenant:acme")).Is(ExitCodes.Ok);
        (await folder.RunAsync("kill", "off", "tenant:acme")).Is(ExitCodes.Ok);
        CliResult drill = await folder.RunAsync("drill", "kill", "--runs", "4");
        drill.Is(ExitCodes.Ok);
        Assert.Contains("The kill switch holds.", drill.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgres://ana@db/runs", false, false)]
    [InlineData("postgres://ana@db/runs?schema=desk&pooled=true", true, false)]
    [InlineData("postgres://ana@db/runs?pooled=true&lossless_failover=true", true, true)]
    public void Address_SaysWhatStandsBeforeTheDatabaseAndWhatAFailoverLoses(string url, bool pooled, bool lossless)
    {
        StoreAddress address = StoreAddress.OfPostgres(url);
        Assert.Equal((pooled, lossless, url), (address.Pooled, address.LosslessFailover, address.Name));
        Assert.Equal(address, StoreAddress.OfPostgres(address.Name));
        Assert.Throws<FormatException>(() => StoreAddress.OfPostgres("postgres://ana@db/runs?pooled=perhaps"));
    }

    [Fact]
    public async Task Doctor_OnPostgres_SaysWhatTheServerIsAndFindsAnEditedEntry()
    {
        await using PostgresFolder folder = await PostgresFolder.CreateAsync("turns: [{ say: Good morning. }]", _ => "");
        (await folder.RunAsync("run", ".", "Hello")).Is(ExitCodes.Ok);

        // The tests' server runs with fsync off: the doctor says that this is no place for runs that matter.
        CliResult unsafeServer = await folder.RunAsync("doctor", ".", "--deep");
        unsafeServer.Is(ExitCodes.Failed);
        foreach (string part in (string[])["PostgreSQL", "off: fsync", "this machine and the server agree", "every chain, payload and blob holds", "no kill switch is engaged"])
            Assert.Contains(part, unsafeServer.Output, StringComparison.Ordinal);

        await folder.ExecuteAsync("DELETE FROM steward.event WHERE seq = 4");
        Assert.Contains("has a gap: sequence 4 was due", (await folder.RunAsync("doctor", ".", "--deep")).Output, StringComparison.Ordinal);
        await folder.ExecuteAsync("UPDATE steward.event SET payload = convert_to(replace(convert_from(payload, 'UTF8'), 'direct_mode', 'planned_way'), 'UTF8') WHERE seq = 3");
        Assert.Contains("sequence 3", (await folder.RunAsync("doctor", ".")).Output, StringComparison.Ordinal);
        (await folder.RunAsync("doctor", ".", "--accept-loss")).Is(ExitCodes.Usage);
    }

    [Fact]
    public async Task Address_WithAPassword_IsNeverShown()
    {
        using var folder = new AgentFolder();
        CliResult refused = await folder.RunAsync("runs", "--store", "postgres://ops:hunter2@127.0.0.1:1/runs?Timeout=2");
        refused.Is(ExitCodes.Usage);
        Assert.DoesNotContain("hunter2", refused.Output + refused.Error, StringComparison.Ordinal);
        CliResult wrong = await folder.RunAsync("runs", "--store", "postgres://ops:hunter2@127.0.0.1/runs?nonsense=hunter2");
        wrong.Is(ExitCodes.Usage);
        Assert.Contains("PGPASSWORD", wrong.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", wrong.Output + wrong.Error, StringComparison.Ordinal);
        folder.Write("agent.yaml", "name: helper\nversion: 1\ninstructions: Help.\nscript: script.yaml\nstore: postgres://ops:hunter2@127.0.0.1/runs\n");
        CliResult literal = await folder.RunAsync("run", ".", "Hello");
        literal.Is(ExitCodes.Usage);
        Assert.Contains("agent.yaml(5,8)", literal.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", literal.Output + literal.Error, StringComparison.Ordinal);
    }

    public static Func<string, string> Tools(bool approval) => store => $$"""
        databases:
          main: { postgres: "{{store}}" }
        tools:
          - name: pay
            description: Pays.
            effect: unsafe
            parameters: { amount: { type: integer, minimum: 1 } }
            sql: { statement: "INSERT INTO paid (amount, token) VALUES (@amount, @idempotency_key)", probe: "SELECT 1 FROM paid WHERE token = @idempotency_key" }
            {{(approval ? "approval: true" : "")}}
        """;
}
