using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Npgsql;
using Steward.Agents;
using Steward.Journal;
using Steward.Tools;

namespace Steward.OrleansHost;

/// <summary>The agents of the test cluster. Their models are scripted.</summary>
public static class ScriptedAgents
{
    /// <summary>Calls of the unsafe tool in a run of <c>stepper</c>.</summary>
    public const int Steps = 10;

    /// <summary>Pieces of the answer of <c>talker</c>.</summary>
    public const int Pieces = 40;

    /// <summary>All of them.</summary>
    public static IEnumerable<AgentDefinition> All(string connectionString, string schema)
    {
        yield return Agent("stepper", Append(connectionString, schema));
        yield return Agent("sleeper", Sleep());
        yield return Agent("waiter", BuiltInTools.WaitUntil);
        yield return Agent("talker");
        yield return Agent("quick");
    }

    /// <summary>The table in which the unsafe tool's effects are: it takes every call, so a repeated one is seen.</summary>
    public static string Ledger(string schema) => $"CREATE TABLE {schema}.ledger (key text NOT NULL, epoch bigint NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())";

    private static AgentDefinition Agent(string name, params ToolDefinition[] tools) =>
        new AgentBuilder(name)
            .Instruct("You are tested.")
            .UseModel(new ModelTarget("scripted", "m") { Stream = name == "talker", MaxOutput = 100 })
            .AddTools(tools)
            .WithLimits(new AgentLimits { Iterations = Steps + 10, Attempts = 100 })
            .Build();

    private static ToolDefinition Append(string connectionString, string schema) => new(
        "append",
        "Writes a line.",
        JsonElement.Parse("""{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"""),
        async (context, _, cancellationToken) =>
        {
            // Whether it is cancelled or not, the effect happens or it does not: no half of it.
            await RowsAsync(connectionString, $"INSERT INTO {schema}.ledger (key, epoch) VALUES ($1, $2) RETURNING 1", context.IdempotencyKey, context.Epoch);
            await Task.Delay(200, cancellationToken);
            return new ToolOutput("written");
        })
    {
        Probe = async (context, _, _) => await RowsAsync(connectionString, $"SELECT 1 FROM {schema}.ledger WHERE key = $1", context.IdempotencyKey)
            ? ProbeResult.Happened("written")
            : ProbeResult.DidNotHappen,
    };

    private static ToolDefinition Sleep() => new("sleep", "Sleeps until it is stopped.", JsonElement.Parse("""{"type":"object"}"""), static async (_, _, cancellationToken) =>
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        return new ToolOutput("");
    })
    {
        Effect = ToolEffect.ReadOnly,
        Timeout = TimeSpan.FromMinutes(5),
    };

    private static async Task<bool> RowsAsync(string connectionString, string sql, params object[] values)
    {
        await using NpgsqlConnection connection = new(connectionString);
        await connection.OpenAsync();
        await using NpgsqlCommand command = new(sql, connection);
        foreach (object value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        return await command.ExecuteScalarAsync() is not null;
    }
}

/// <summary>Scripted: goes by the agent's tools and by how many turns there were.</summary>
internal sealed class ScriptedModel : IChatClient
{
    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        int turn = messages.Count(m => m.Role == ChatRole.Assistant);
        AIContent content = (options?.Tools?.FirstOrDefault(t => t.Name is "append" or "sleep" or "wait_until")?.Name, turn) switch
        {
            ("append", < ScriptedAgents.Steps) => Call("append", turn, new() { ["n"] = turn }),
            ("sleep", 0) => Call("sleep", turn, []),
            ("wait_until", 0) => Call("wait_until", turn, new() { ["signal"] = "go" }),
            _ => new TextContent("done"),
        };
        return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, [content]))
        {
            Usage = new UsageDetails { InputTokenCount = 100, OutputTokenCount = 10 },
            FinishReason = content is TextContent ? ChatFinishReason.Stop : ChatFinishReason.ToolCalls,
        });
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (int i = 0; i < ScriptedAgents.Pieces; i++)
        {
            await Task.Delay(100, cancellationToken);
            yield return new ChatResponseUpdate(ChatRole.Assistant, $"{i} ");
        }

        yield return new ChatResponseUpdate(ChatRole.Assistant, [new UsageContent(new UsageDetails { InputTokenCount = 100, OutputTokenCount = 50 })]) { FinishReason = ChatFinishReason.Stop };
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }

    private static FunctionCallContent Call(string tool, int turn, Dictionary<string, object?> arguments) => new($"c{turn}", tool, arguments);
}
