using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Steward.Cli.Tests.Commands;

/// <summary>A folder with an agent, gone with the test.</summary>
internal sealed class AgentFolder : IDisposable
{
    public const string Quick = """
        prices: { input: 1, output: 5 }
        turns:
          - say: Good morning.
        """;

    /// <summary>A model that takes its time, so that there is something to interrupt.</summary>
    public const string Slow = """
        prices: { input: 1, output: 5 }
        turns:
          - when: { turn: 1 }
            say: I look at the clock.
            call: { tool: clock, arguments: { n: 1 } }
          - when: { turn: 2 }
            delay: 6s
            say: Good morning.
        """;

    /// <summary>A model that answers only after whatever the test does to the run.</summary>
    public static readonly string VerySlow = Slow.Replace("6s", "100s", StringComparison.Ordinal);

    /// <summary>The same model, no longer slow.</summary>
    public static readonly string NoLongerSlow = Slow.Replace("6s", "0s", StringComparison.Ordinal);

    private const string Clock = """
        databases:
          main: { sqlite: data.db }
        tools:
          - name: clock
            description: Tells the time.
            effect: read_only
            parameters: { n: { type: integer } }
            sql: { statement: "SELECT @n AS n, datetime() AS now" }
        """;

    public AgentFolder(string script = Quick, string? tools = Clock, string more = "")
    {
        Path = Directory.CreateTempSubdirectory("steward-cli-").FullName;
        Write("script.yaml", script);
        Write("data.db", "");
        Write("agent.yaml", $"name: helper\nversion: 1\ninstructions: Help.\nscript: script.yaml\nbudget: {{ usd: 1 }}\n{tools}\n{more}\n");
    }

    public string Path { get; }

    public string Database => System.IO.Path.Combine(Path, ".steward", "runs.db");

    public void Write(string file, string text) => File.WriteAllText(System.IO.Path.Combine(Path, file), text);

    public CliProcess Start(params string[] args) => CliProcess.Start(Path, args);

    public Task<CliResult> RunAsync(params string[] args) => CliHost.RunAsync(Path, args);

    /// <summary>Starts a run and waits until it works.</summary>
    public async Task<CliProcess> StartRunAsync(string sees, params string[] args)
    {
        CliProcess process = Start(["run", ".", .. args]);
        await process.SeesAsync(sees);
        return process;
    }

    public async Task<JsonElement> JsonAsync(params string[] args)
    {
        CliResult result = await RunAsync([.. args, "--json"]);
        Assert.True(result.Output.Length > 0, result.Error);
        return JsonElement.Parse(result.Output);
    }

    /// <summary>The newest run's id.</summary>
    public async Task<string> LastAsync() => (await JsonAsync("runs", "--limit", "1")).GetProperty("runs")[0].GetProperty("run").GetString()!;

    /// <summary>Changes one row of the runs' database behind the program's back.</summary>
    public async Task EditAsync(string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={Database};Pooling=False");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        Assert.Equal(1, await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
