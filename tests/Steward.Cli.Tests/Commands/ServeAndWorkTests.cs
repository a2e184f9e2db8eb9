using System.Text.Json;

namespace Steward.Cli.Tests.Commands;

/// <summary>A <c>steward serve --no-work</c> and <c>steward work</c> processes on one PostgreSQL database, with nothing else between them. The models are scripted.</summary>
public sealed class ServeAndWorkTests(ITestOutputHelper output)
{
    private const string Slow = """
        turns:
          - when: { turn: 1 }
            delay: 500ms
            call: { tool: look, arguments: { n: 1 } }
          - when: { turn: 2 }
            delay: 3s
            call: { tool: look, arguments: { n: 2 } }
          - when: { turn: 3 }
            delay: 500ms
            call: { tool: look, arguments: { n: 3 } }
          - say: Seen.
        """;

    [Fact]
    public async Task Run_StartedAtOneIsDoneByTheOther_AndStreamedOverTheDeathOfAWorker()
    {
        await using PostgresFolder folder = await PostgresFolder.CreateAsync(Slow, _ => """
            databases:
              main: { sqlite: data.db }
            tools:
              - name: look
                description: Looks.
                effect: read_only
                parameters: { n: { type: integer } }
                sql: { statement: "SELECT @n AS n" }
            """);
        using ServeProcess server = await ServeProcess.OfAsync(folder.Start("serve", ".", "--no-work", "--listen", "127.0.0.1:0", "--json"), key: null);
        string run = await server.StartAsync("Look");
        CliProcess? worker = null, next = null;
        List<long> ids = [];
        string last = "";
        try
        {
            await foreach (string line in server.StreamAsync(run))
            {
                if (line.StartsWith("id: ", StringComparison.Ordinal))
                    ids.Add(long.Parse(line[4..]));
                if (line.StartsWith("event: ", StringComparison.Ordinal))
                    last = line[7..];
                if (last == "run.started")
                    worker ??= Work(folder);
                if (last == "tool.returned" && next is null)
                {
                    await worker!.KillAsync();
                    next = Work(folder);
                }
            }

            Assert.Equal("run.completed", last);
            Assert.Equal(Enumerable.Range(1, ids.Count).Select(i => (long)i), ids);
            JsonElement ended = await server.GetAsync($"/v1/runs/{run}");
            Assert.Equal(("completed", "Seen.", (long)ids.Count), (ended.GetProperty("status").GetString(), ended.GetProperty("output").GetString(), ended.GetProperty("sequence").GetInt64()));
            Assert.True(await folder.ScalarAsync<long>("SELECT epoch FROM steward.run") > 1, "The run was not taken over: the kill came too late to say anything.");
            output.WriteLine($"{ids.Count} events over two workers, each once.");
            next!.Signal(CliProcess.Terminate);
            (await next.EndAsync()).Is(ExitCodes.Ok);
            server.Process.Signal(CliProcess.Terminate);
            (await server.Process.EndAsync()).Is(ExitCodes.Ok);
        }
        finally
        {
            worker?.Dispose();
            next?.Dispose();
        }
    }

    private static CliProcess Work(PostgresFolder folder) => folder.Start("work", ".", "--lease", "2");
}
