using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Steward.Diagnostics.Tracing;
using Steward.Journal;
using Steward.Tests.Shared;
using YamlDotNet.RepresentationModel;

namespace Steward.OpenTelemetry.Tests;

/// <summary>The mapping on journals of every released version.</summary>
public sealed class RecordedTraceTests
{
    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Journals");

    public static TheoryData<string> Journals =>
        [.. Directory.GetFiles(Folder, "*.jsonl", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(Folder, f)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Journals))]
    public void Journal_OfAReleasedVersion_IsAWellFormedTrace(string file)
    {
        List<JournalEntry> journal = Read(file);
        List<RunSpan> spans = Map(journal);

        Assert.Single(spans.Select(s => s.TraceId).Distinct());
        Assert.Equal(spans.Count, spans.Select(s => s.SpanId).Distinct().Count());
        Assert.All(spans, s => Assert.True(s.End >= s.Start));
        if (journal[^1].Event is not (RunCompleted or RunFailed or RunCancelled))
            return;
        RunSpan root = Assert.Single(spans, s => s.Name.StartsWith("invoke_agent ", StringComparison.Ordinal));
        Assert.All(spans.Where(s => s != root), s =>
        {
            Assert.Equal(root.SpanId, s.ParentSpanId);
            Assert.True(s.Start >= root.Start && s.End <= root.End, s.Name);
        });
        Assert.Equal(journal.Count(e => e.Event is ModelStarted), spans.Count(s => s.Name.StartsWith("chat ", StringComparison.Ordinal)));
        Assert.Equal(journal.Count(e => e.Event is StateChanged), root.Events.Count(e => e.Name == "steward.state"));
    }

    [Theory]
    [MemberData(nameof(Journals))]
    public void Journal_MappedTwice_HasTheSameIds(string file)
    {
        List<JournalEntry> journal = Read(file);

        Assert.Equal(Map(journal).Select(s => (s.TraceId, s.SpanId, s.ParentSpanId)), Map(journal).Select(s => (s.TraceId, s.SpanId, s.ParentSpanId)));
    }

    [Theory]
    [MemberData(nameof(Journals))]
    public void Journal_WithContent_SaysOnlyWhatTheRedactionLeaves(string file)
    {
        TracingOptions options = new() { Content = true, Redact = _ => "x" };

        Assert.All(
            Map(Read(file), options).SelectMany(s => s.Attributes.Where(a => a.Key is "gen_ai.input.messages" or "gen_ai.output.messages")),
            a => Assert.All(Contents(JsonElement.Parse((string)a.Value!)), c => Assert.Equal("x", c)));
    }

    /// <summary>Every attribute of ours under <c>gen_ai.</c> is in the registry, of its type; what a kind of span requires is there.</summary>
    [Theory]
    [MemberData(nameof(Journals))]
    public void Journal_Spans_FollowTheConventions(string file)
    {
        Dictionary<string, string> registry = Registry();
        foreach (RunSpan span in Map(Read(file), new TracingOptions { Content = true }))
        {
            Dictionary<string, object?> attributes = span.Attributes.ToDictionary(a => a.Key, a => a.Value);
            // Langfuse and others read a cost under this name; the conventions have none until 0.1.0.
            foreach ((string name, object? value) in attributes.Concat(span.Events.SelectMany(e => e.Tags))
                .Where(a => a.Key.StartsWith("gen_ai.", StringComparison.Ordinal) && a.Key != "gen_ai.usage.cost"))
            {
                Assert.True(registry.TryGetValue(name, out string? type), $"'{name}' is not in the registry.");
                Assert.True(IsOf(type!, value), $"'{name}' is {value?.GetType().Name}, not {type}.");
            }

            switch (attributes.GetValueOrDefault("gen_ai.operation.name"))
            {
                case "chat":
                    Assert.Equal($"chat {attributes["gen_ai.request.model"]}", span.Name);
                    Assert.Equal(ActivityKind.Client, span.Kind);
                    Assert.Contains("gen_ai.provider.name", attributes.Keys);
                    break;
                case "execute_tool":
                    Assert.Equal($"execute_tool {attributes["gen_ai.tool.name"]}", span.Name);
                    break;
                case "invoke_agent":
                    Assert.Equal($"invoke_agent {attributes["gen_ai.agent.name"]}", span.Name);
                    Assert.Contains("gen_ai.provider.name", attributes.Keys);
                    break;
                default:
                    Assert.StartsWith("steward.", span.Name, StringComparison.Ordinal);
                    break;
            }

            Assert.Equal(span.Status == ActivityStatusCode.Error, attributes.ContainsKey("error.type"));
        }
    }

    [Fact]
    public void Journal_NewConvention_NamesCacheWritesAndCost()
    {
        TracingOptions options = new() { Convention = GenAIConvention.GenAI01 };

        HashSet<string> names = [.. Journals.SelectMany(f => Map(Read(f.Data), options)).SelectMany(s => s.Attributes).Select(a => a.Key)];

        Assert.Contains("gen_ai.usage.cache_write.input_tokens", names);
        Assert.Contains("gen_ai.usage.cost.amount", names);
        Assert.DoesNotContain("gen_ai.usage.cache_creation.input_tokens", names);
        Assert.DoesNotContain("gen_ai.usage.cost", names);
    }

    [Fact]
    public void ChildAndParent_FromTheirJournalsAlone_StandInOneTrace()
    {
        RunId parent = RunId.Parse("019cae6b66007173bebccce72eb7e9a8"), child = RunId.Parse("019cae6b66007173bebccce72eb7e9a9");
        RunStarted started = Started();
        List<RunSpan> above = Map(Chain(
            parent, started, new ChildStarted { Child = child, Agent = "helper", AgentVersion = "1", Step = "one" },
            new ChildEnded { Signal = "s", Child = child, Status = RunStatus.Completed, Spent = BudgetAmount.Zero }, new RunCompleted("done", [])));
        List<RunSpan> below = Map(Chain(child, started with { Agent = "helper", Parent = new RunParent([parent], 0, 0, "one") }, new RunCompleted("done", [])));

        RunSpan step = Assert.Single(above, s => s.Name == "steward.step one");
        RunSpan root = Assert.Single(below, s => s.Name == "invoke_agent helper");
        Assert.Equal((step.TraceId, step.SpanId), (root.TraceId, root.ParentSpanId));
    }

    [Fact]
    public void Claim_EffectInFlight_ClosesItAsUnknown()
    {
        RunId run = RunId.Parse("019cae6b66007173bebccce72eb7e9a8");
        List<RunSpan> spans = Map(Chain(
            run, Started(), new RunClaimed(1, "a", 1),
            new ToolStarted { Turn = 1, Index = 0, Name = "pay", Effect = ToolEffect.Unsafe, Key = "k", ArgumentsHash = "h", Attempt = 1, Reserved = BudgetAmount.Zero },
            new RunClaimed(2, "b", 1), new RunCompleted("done", [])));

        RunSpan lost = Assert.Single(spans, s => s.Name == "execute_tool pay");
        Assert.Equal(ActivityStatusCode.Error, lost.Status);
        Assert.Contains(lost.Attributes, a => a is { Key: "steward.outcome", Value: "unknown" });
    }

    [Fact]
    public void Attributes_Opaque_IsNeverExported()
    {
        RunId run = RunId.Parse("019cae6b66007173bebccce72eb7e9a8");
        ContentPart[] said =
        [
            new ReasoningPart("thought", "SIGNATURE") { Opaque = new Opaque("origin", "CIPHER") },
            new OpaquePart { Opaque = new Opaque("origin", "CIPHER") },
            new TextPart("hello") { Opaque = new Opaque("origin", "CIPHER") },
        ];
        List<RunSpan> spans = Map(
            Chain(
                run, Started(),
                new ModelStarted { Turn = 1, Attempt = 1, Role = ModelRole.Executor, Provider = "p", Model = "m", RequestHash = "h", Builder = 1, MaxOutput = 1, Reserved = BudgetAmount.Zero },
                new ModelReturned { Turn = 1, Attempt = 1, Content = said, Settled = BudgetAmount.Zero }, new RunCompleted("hello", [])),
            new TracingOptions { Content = true });

        string all = string.Join("\n", spans.SelectMany(s => s.Attributes).Select(a => a.Value));
        Assert.Contains("hello", all, StringComparison.Ordinal);
        Assert.DoesNotContain("CIPHER", all, StringComparison.Ordinal);
        Assert.DoesNotContain("SIGNATURE", all, StringComparison.Ordinal);
    }

    private static RunStarted Started() => new() { Agent = "tester", AgentVersion = "1", DefinitionHash = "d", Tenant = "default", Input = [new TextPart("go")] };

    private static List<JournalEntry> Chain(RunId run, params IReadOnlyList<RunEvent> events)
    {
        List<JournalEntry> journal = [];
        foreach (RunEvent e in events)
            journal.Add(JournalEntry.Create(run, journal.Count + 1, journal.Count == 0 ? JournalEntry.Origin : journal[^1].Hash, e, DateTimeOffset.UnixEpoch.AddSeconds(journal.Count)));
        return journal;
    }

    private static List<RunSpan> Map(List<JournalEntry> journal, TracingOptions? options = null)
    {
        var trace = new RunTrace(journal[0].Run, options);
        return [.. journal.SelectMany(trace.Apply)];
    }

    private static List<JournalEntry> Read(string file) =>
    [
        .. File.ReadLines(Path.Combine(Folder, file)).Select(l => JsonElement.Parse(l)).Where(r => r.TryGetProperty("payload", out _)).Select(row => new JournalEntry(
            RunId.Parse(row.GetProperty("run").GetString()!),
            row.GetProperty("sequence").GetInt64(),
            row.GetProperty("type").GetString()!,
            DateTimeOffset.FromUnixTimeMilliseconds(row.GetProperty("time").GetInt64()),
            Encoding.UTF8.GetBytes(row.GetProperty("payload").GetString()!),
            Convert.FromHexString(row.GetProperty("payloadHash").GetString()!),
            Convert.FromHexString(row.GetProperty("hash").GetString()!))),
    ];

    private static IEnumerable<string?> Contents(JsonElement messages) =>
        from message in messages.EnumerateArray()
        from part in message.GetProperty("parts").EnumerateArray()
        from name in (string[])["content", "response"]
        where part.TryGetProperty(name, out _)
        select part.GetProperty(name).GetString();

    private static Dictionary<string, string> Registry()
    {
        using StreamReader reader = File.OpenText(Path.Combine(TestData.Require("otel-genai-semconv-1.41.1"), "model", "gen-ai", "registry.yaml"));
        var yaml = new YamlStream();
        yaml.Load(reader);
        return ((YamlSequenceNode)yaml.Documents[0].RootNode["groups"])
            .SelectMany(g => ((YamlMappingNode)g).Children.TryGetValue("attributes", out YamlNode? list) ? (YamlSequenceNode)list : [])
            .OfType<YamlMappingNode>()
            .Where(a => a.Children.ContainsKey("id"))
            .ToDictionary(a => a["id"].ToString(), a => a["type"] is YamlScalarNode scalar ? scalar.Value! : "string");
    }

    private static bool IsOf(string type, object? value) => type switch
    {
        "int" => value is long,
        "double" => value is double,
        "boolean" => value is bool,
        "string[]" => value is string[],
        _ => value is string,
    };
}
