// The process that the crash tests kill. It works on one run of a 30-step agent whose Unsafe tool appends a line to a file,
// until the run has ended (exit 0) or waits for a person (exit 3, the question on standard output). Or, as "retail", on tasks of the retail sample;
// or, as "transactional", on a run whose effects are rows in the journal's own PostgreSQL transaction.
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Steward.Agents;
using Steward.Client;
using Steward.CrashHost;
using Steward.Engine;
using Steward.Hosting;
using Steward.Journal;
using Steward.Models;
using Steward.Sqlite;
using Steward.Tools;

if (args is ["retail", .. var kills])
    return await RetailCrash.RunAsync(kills);
if (args is ["transactional", string server, string schema, string runKey, string count])
    return await TransactionalCrash.RunAsync(server, schema, runKey, int.Parse(count, CultureInfo.InvariantCulture));

string database = args[0], ledger = args[1], key = args[2];
bool hasProbe = args[3] == "probe";
int steps = int.Parse(args[4], CultureInfo.InvariantCulture);

var append = new ToolDefinition("append", "Appends a line.", JsonElement.Parse("""{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"""), async (context, arguments, cancellationToken) =>
{
    await Task.Yield();
    // One write call: a kill comes before it or after it, never in the middle.
    await using (var file = new FileStream(ledger, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0))
        file.Write(System.Text.Encoding.ASCII.GetBytes($"{context.IdempotencyKey} {arguments.GetProperty("n").GetInt32()}\n"));
    await Task.Delay(5, cancellationToken);
    return new ToolOutput("appended");
})
{
    Probe = !hasProbe ? null : (context, _, _) => ValueTask.FromResult(
        File.Exists(ledger) && File.ReadLines(ledger).Any(line => line.StartsWith(context.IdempotencyKey, StringComparison.Ordinal))
            ? ProbeResult.Happened("appended")
            : ProbeResult.DidNotHappen),
};

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
    .UseSqlite(database)
    .AddModels("scripted", (_, _) => new Stepper(steps))
    .AddAgent(agent);
await using ServiceProvider provider = services.BuildServiceProvider();
var client = provider.GetRequiredService<IStewardClient>();
RunHandle run = await client.StartAsync("appender", new RunRequest("go") { Key = key });
if (args is [.., "answer", string question, string answer])
    await run.AnswerAsync(question, Enum.Parse<Answer>(answer), "the test", answer == nameof(Answer.Happened) ? "appended" : null);
Console.WriteLine("ready");
var worker = provider.GetRequiredService<RunWorker>();
await worker.StartAsync(CancellationToken.None);
RunResult result = args is [.., "answer", string asked, string] ? await SettleAfterAsync(run, asked) : await run.WaitUntilSettledAsync();
await worker.StopAsync(CancellationToken.None);
if (result.Questions is [var open, ..])
{
    Console.WriteLine($"{open.Id} {(await run.GetStateAsync()).FindCall(open.Turn, open.Index)!.Intent!.Key}");
    return 3;
}

Console.WriteLine($"{result.Status} {result.Reason} {result.Spent.ModelCalls} {result.Spent.ToolCalls}");
return result.Status == RunStatus.Completed ? 0 : 1;

static async Task<RunResult> SettleAfterAsync(RunHandle run, string question)
{
    while (true)
    {
        RunResult result = await run.WaitUntilSettledAsync();
        if (result.Questions.All(q => q.Id != question))
            return result;
        await Task.Delay(10);
    }
}

namespace Steward.CrashHost
{
    /// <summary>Scripted: asks for the next number, which it knows from the conversation alone.</summary>
    internal sealed class Stepper(int steps) : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            int done = messages.Count(m => m.Role == ChatRole.Assistant);
            var message = new ChatMessage(ChatRole.Assistant, done == steps
                ? [new TextContent("All appended.")]
                : [new FunctionCallContent($"id-{Environment.ProcessId}-{done}", "append", new Dictionary<string, object?> { ["n"] = done })]);
            return Task.FromResult(new ChatResponse(message) { Usage = new UsageDetails { InputTokenCount = 100, OutputTokenCount = 10 }, FinishReason = done == steps ? ChatFinishReason.Stop : ChatFinishReason.ToolCalls });
        }

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException("The crash host does not stream.");

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
