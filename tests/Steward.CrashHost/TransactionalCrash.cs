using System.Data.Common;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Steward.Agents;
using Steward.Client;
using Steward.Engine;
using Steward.Hosting;
using Steward.Journal;
using Steward.Models;
using Steward.Postgres;
using Steward.Tools;

namespace Steward.CrashHost;

/// <summary>Works on one run whose tool inserts a row in the journal's own transaction. Ends with 0 when the run is completed, with 3 when it asks a person.</summary>
internal static class TransactionalCrash
{
    public static async Task<int> RunAsync(string server, string schema, string key, int steps)
    {
        var append = new ToolDefinition("append", "Appends a row.", JsonElement.Parse("""{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"""), async (context, arguments, cancellationToken) =>
        {
            Console.WriteLine("call");
            await using DbCommand insert = context.Transaction!.Connection!.CreateCommand();
            insert.Transaction = context.Transaction;
            insert.CommandText = $"INSERT INTO {schema}.effect (key, n) VALUES ('{context.IdempotencyKey}', {arguments.GetProperty("n").GetInt32()})";
            await insert.ExecuteNonQueryAsync(cancellationToken);
            await Task.Delay(15, cancellationToken);
            return new ToolOutput("appended");
        })
        { Effect = ToolEffect.Transactional };
        AgentDefinition agent = new AgentBuilder("appender")
            .Instruct("Append the numbers.")
            .UseModel(new ModelTarget("scripted", "stepper") { Stream = false, MaxOutput = 100 })
            .AddTools(append)
            .WithLimits(new AgentLimits { Iterations = steps + 10, Attempts = 100 })
            .Build();
        ServiceCollection services = new();
        services.AddLogging(l => l.SetMinimumLevel(LogLevel.None));
        services.AddSteward(o =>
            {
                o.LeaseDuration = TimeSpan.FromMilliseconds(400);
                o.PollInterval = TimeSpan.FromMilliseconds(20);
                o.WatchInterval = TimeSpan.FromMilliseconds(50);
                o.MaxClaimAttempts = 100;
                o.Prices.Add(new ModelInfo("scripted", "stepper", 1, 1, 1, 1, 1_000_000, 1_000, "test", "2026-11-23"));
            })
            .UsePostgres(new PostgresStoreOptions { ConnectionString = server, Schema = schema })
            .AddModels("scripted", (_, _) => new Stepper(steps))
            .AddAgent(agent);
        await using ServiceProvider provider = services.BuildServiceProvider();
        RunHandle run = await provider.GetRequiredService<IStewardClient>().StartAsync("appender", new RunRequest("go") { Key = key });
        Console.WriteLine("ready");
        RunWorker worker = provider.GetRequiredService<RunWorker>();
        await worker.StartAsync(CancellationToken.None);
        RunResult result = await run.WaitUntilSettledAsync();
        await worker.StopAsync(CancellationToken.None);
        Console.WriteLine($"{result.Status} {result.Reason}");
        return result.Questions.Count > 0 ? 3 : result.Status == RunStatus.Completed ? 0 : 1;
    }
}
