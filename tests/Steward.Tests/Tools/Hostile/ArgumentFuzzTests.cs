using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Steward.Engine;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Shared;
using Steward.Tools;
using Steward.Tools.Declarative;

namespace Steward.Tests.Tools.Hostile;

/// <summary>Random arguments that a schema lets in, to tools of every kind: each call ends in an event, and none in an unknown outcome.</summary>
public sealed class ArgumentFuzzTests(ITestOutputHelper output) : IDisposable
{
    private static readonly string[] s_texts =
    [
        "", "a", ".", "..", "../x", "..\\x", "%2e%2e%2f", "${secret:KEY}", "{tenant}", "José", "你好", "\u0000", "\r\nX: 1", "\u202e", "a/b?c#d", "';--", "\\ud800",
        "2016-12-31T23:59:60Z", "0000-01-01T00:00:00Z", "NaN", "1e400", "null", "{}",
    ];

    private static readonly string[] s_numbers =
        ["0", "-0.0", "3.0", "1e2", "1e-7", "1e308", "1e400", "-1e400", "9223372036854775807", "9223372036854775808", "1e25", "79228162514264337593543950336", "0.1", "1E+2"];

    private readonly SqliteTestDatabase _database = new("CREATE TABLE t (k TEXT, s TEXT, i INTEGER, n REAL, b INTEGER);");

    public void Dispose() => _database.Dispose();

    [Fact]
    public async Task Arguments_OfEveryShape_EndInAnEventAndNeverInAnUnknownOutcome()
    {
        await using var server = new LoopbackServer(_ => LoopbackServer.Answer(200, "{}"));
        ToolDefinition[] tools = Tools(server.Url);
        int rounds = SuiteSize.Of(300, 20_000);
        var executor = new ToolExecutor(new Handlers(8), new StoreLimits(), TimeProvider.System, TimeSpan.FromSeconds(1), NullLogger.Instance);
        var random = new Random(20261201);
        int made = 0;
        for (int i = 0; i < rounds; i++)
        {
            string text = Arguments(random);
            if (Parse(text) is not { } given)
                continue;
            foreach (ToolDefinition tool in tools)
            {
                JsonElement arguments = IntegralNumbers.Plain(ToolArguments.DropNullOptionals(given, tool.Schema));
                if (UnreadableArguments.Find(arguments) is not null || !tool.Validator.IsValid(arguments))
                    continue;
                made++;
                (RunEvent result, _) = await executor.InvokeAsync(tool, ToolContexts.Context(user: s_texts[random.Next(s_texts.Length)]), arguments, Intent(tool), null, TestContext.Current.CancellationToken);
                Assert.False(result is ToolFailed { Failure: ToolFailure.OutcomeUnknown or ToolFailure.Timeout }, $"{i}: {tool.Name}({text}): {result}");
                Assert.Equal(EventWire.Write(result), EventWire.Write(EventWire.Read(EventWire.NameOf(result), EventWire.Write(result))));
            }
        }

        output.WriteLine($"{rounds} arguments, {made} calls made");
        Assert.True(made > rounds / 20, $"Only {made} calls of {rounds} arguments were made.");
    }

    private ToolDefinition[] Tools(string url)
    {
        ToolParameter[] parameters =
        [
            new("s") { Required = false }, new("i", ToolParameterType.Integer) { Required = false }, new("n", ToolParameterType.Number) { Required = false },
            new("b", ToolParameterType.Boolean) { Required = false },
        ];
        return
        [
            ToolFactory.FromMethod((string? s = null, int i = 0, double n = 0, bool b = false, DateTimeOffset? t = null, float? f = null) => $"{s}{i}{n}{b}{t}{f}", new() { Name = "method" }),
            SqlTool.Create(new SqlToolOptions
            {
                Name = "sql", Description = "x", Database = _database.Database, Parameters = parameters, Effect = ToolEffect.Unsafe,
                Statement = "INSERT INTO t VALUES (@idempotency_key, @s, @i, @n, @b) RETURNING *",
            }),
            HttpTool.Create(new HttpToolOptions
            {
                Name = "http", Description = "x", Method = "POST", Url = url + "/a/{p}/b?s={s}&i={i}", AllowPrivateNetworks = true,
                Parameters = [new("p") { Default = JsonElement.Parse("\"p\"") }, .. parameters], JsonBody = true,
                Headers = new Dictionary<string, string> { ["X-User"] = "{user}" },
            }),
        ];
    }

    private static string Arguments(Random random)
    {
        var text = new StringBuilder("{");
        foreach (string name in (string[])["s", "i", "n", "b", "t", "f", "p"])
        {
            if (random.Next(3) == 0)
                text.Append(text.Length > 1 ? "," : "").Append(CultureInfo.InvariantCulture, $"\"{name}\":{Value(random, name)}");
        }

        return text.Append('}').ToString();
    }

    private static string Value(Random random, string name) => (random.Next(8) == 0 ? random.Next(5) : name switch { "s" or "t" or "p" => 0, "b" => 2, _ => 1 }) switch
    {
        0 when s_texts[random.Next(s_texts.Length)] is var text => text.StartsWith("\\u", StringComparison.Ordinal) ? $"\"{text}\"" : JsonSerializer.Serialize(text),
        1 => s_numbers[random.Next(s_numbers.Length)],
        2 => random.Next(2) == 0 ? "true" : "false",
        3 => "null",
        _ => "[1.0,{\"a\":[]}]",
    };

    private static JsonElement? Parse(string text)
    {
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ToolStarted Intent(ToolDefinition tool) => new()
    {
        Turn = 1, Index = 0, Name = tool.Name, Effect = tool.Effect, Key = "key-1", ArgumentsHash = new string('0', 64), Attempt = 1, Reserved = new BudgetAmount(ToolCalls: 1),
    };
}
