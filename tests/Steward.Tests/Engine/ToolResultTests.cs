using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Steward.Client;
using Steward.Engine;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tests.Tools;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine;

/// <summary>What becomes of results that are odd, too large, or no text; and of calls that were never entered.</summary>
public sealed class ToolResultTests
{
    private static readonly byte[] s_png = [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, .. new byte[20_000]];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Image_FromAMethod_ReachesTheModelWholeAndOnce()
    {
        List<DataContent> seen = [];
        var model = new FunctionModel((messages, _) =>
        {
            seen = [.. messages.SelectMany(m => m.Contents).OfType<DataContent>()];
            return messages.Any(m => m.Role == ChatRole.Tool) ? Says("a picture") : Calls_(("look", new { }));
        });
        ToolDefinition tool = ToolFactory.FromMethod(() => new DataContent(s_png, "image/png"), new() { Name = "look", Description = "Looks.", Effect = ToolEffect.ReadOnly });
        await using Harness harness = new(new InMemoryStewardStore(TimeProvider.System), model, Harness.Agent(tool).Build());

        RunResult result = await harness.RunAsync("go");

        Assert.Equal(RunStatus.Completed, result.Status);
        Assert.Equal(s_png, Assert.Single(seen).Data.ToArray());
        ToolReturned returned = Assert.Single((await harness.EventsAsync(result.Run)).OfType<ToolReturned>());
        Assert.Equal("[20008 bytes of image/png, shown below]", returned.Result);
        Assert.Null(returned.Blob);
    }

    [Fact]
    public void Returned_Event_KeepsItsWireWithoutContentAndFoldsWithIt()
    {
        var plain = new ToolReturned { Turn = 1, Index = 0, Result = "x", Settled = new BudgetAmount(ToolCalls: 1) };
        Assert.DoesNotContain("content", System.Text.Encoding.UTF8.GetString(EventWire.Write(plain)), StringComparison.Ordinal);

        var picture = plain with { Content = [new DataPart("image/png", [1, 2, 3])] };
        var read = (ToolReturned)EventWire.Read("tool.returned", EventWire.Write(picture));
        Assert.Equal([1, 2, 3], ((DataPart)Assert.Single(read.Content!)).Data);
    }

    [Theory]
    [InlineData("bytes", "[20008 bytes of image/png, shown below]", 1)]
    [InlineData("zip", "[3 bytes of application/zip, left out: no model takes them.]", 0)]
    [InlineData("unknown", "[3 bytes of an unknown kind, left out: no model takes them.]", 0)]
    [InlineData("text", "caption\n\nplain", 0)]
    [InlineData("mixed", "caption", 1)]
    public async Task Content_OfEachKind_IsShownOrNamedAndNeverBase64(string kind, string text, int parts)
    {
        Func<object> method = () => kind switch
        {
            "bytes" => s_png,
            "zip" => new DataContent(new byte[] { 1, 2, 3 }, "application/zip"),
            "unknown" => new byte[] { 1, 2, 3 },
            "text" => (AIContent[])[new TextContent("caption"), new DataContent("plain"u8.ToArray(), "text/plain")],
            _ => (AIContent[])[new TextContent("caption"), new DataContent(s_png, "image/png")],
        };
        ToolDefinition tool = ToolFactory.FromMethod(method, new() { Name = "t" });

        ToolOutput output = await tool.Handler(ToolContexts.Context(), JsonElement.Parse("{}"), Token);

        Assert.Equal((text, parts), (output.Text, output.Content?.Count ?? 0));
    }

    [Fact]
    public async Task Null_FromAMethodThatReturnsSomething_SaysNull()
    {
        Assert.Equal("null", await ToolFactory.FromMethod(string? () => null, new() { Name = "t" }).CallAsync());
        Assert.Equal("null", await ToolFactory.FromMethod(async Task<object?> () => await Task.FromResult<object?>(null), new() { Name = "t" }).CallAsync());
        Assert.Equal("done", await ToolFactory.FromMethod(() => { }, new() { Name = "t" }).CallAsync());
        Assert.Equal("done", await ToolFactory.FromMethod(async () => await Task.Yield(), new() { Name = "t" }).CallAsync());
        Assert.Equal("null", await ToolFactory.FromAIFunction(AIFunctionFactory.Create(string? () => null, "t")).CallAsync());
    }

    [Fact]
    public async Task Result_ThatNoJsonHolds_IsTheResultOfAnEffect()
    {
        static IEnumerable<int> Broken()
        {
            yield return 1;
            throw new InvalidOperationException("half way");
        }

        Func<object>[] odd = [() => double.NaN, () => Broken(), () => new Lazy<object>(), () => System.Text.Json.Nodes.JsonValue.Create(double.PositiveInfinity)!];
        foreach (Func<object> method in odd)
            Assert.NotEmpty(await ToolFactory.FromMethod(method, new() { Name = "t" }).CallAsync());

        ToolDefinition lone = new("t", "x", JsonElement.Parse("""{"type":"object"}"""), (_, _, _) => new(new ToolOutput("a\ud800b")));
        (RunEvent result, _) = await InvokeAsync(lone);
        Assert.Equal("a\ufffdb", Assert.IsType<ToolReturned>(result).Result);
    }

    [Fact]
    public async Task Result_LargerThanTheStoreTakes_IsOneFailedCallAndTheRunGoesOn()
    {
        int calls = 0;
        ToolDefinition tool = Harness.Tool("big", _ =>
        {
            calls++;
            return new string('x', 5_000);
        }, ToolEffect.Unsafe);
        await using Harness harness = new(
            new InMemoryStewardStore(TimeProvider.System, new StoreLimits { Blob = 4_096, Payload = 64 * 1024 }),
            Script(Calls_(("big", new { })), Says("done")),
            Harness.Agent(new ToolDefinition(tool.Name, tool.Description, tool.Schema, tool.Handler) { Effect = ToolEffect.Unsafe, MaxResult = 1_000 }).Build());

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Completed, 1), (result.Status, calls));
        ToolFailed failed = Assert.Single((await harness.EventsAsync(result.Run)).OfType<ToolFailed>());
        Assert.Equal(ToolFailure.Reported, failed.Failure);
        Assert.Contains("was carried out", failed.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Answer_LargerThanTheStoreTakes_IsPaidOnceAndEndsTheRun(bool inACall)
    {
        var model = new FunctionModel((_, _) => inACall ? Calls_(("t", new { text = new string('x', 300_000) })) : Says(new string('x', 300_000)));
        await using Harness harness = new(
            new InMemoryStewardStore(TimeProvider.System, new StoreLimits { Payload = 100_000 }),
            model,
            Harness.Agent(Harness.Tool("t", _ => "x")).Build());

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Failed, 1), (result.Status, model.Calls));
        ModelFailed failed = Assert.Single((await harness.EventsAsync(result.Run)).OfType<ModelFailed>());
        Assert.Contains("too many for one event", failed.Message, StringComparison.Ordinal);
        Assert.Equal(110, failed.Settled.Tokens);
    }

    [Fact]
    public async Task Services_EachCall_HasAScopeOfItsOwnThatIsDisposed()
    {
        List<Scoped> made = [];
        await using ServiceProvider services = new ServiceCollection()
            .AddScoped(_ => { var one = new Scoped(); made.Add(one); return one; })
            .BuildServiceProvider(new ServiceProviderOptions { ValidateScopes = true, ValidateOnBuild = true });
        ToolDefinition tool = ToolFactory.FromMethod(
            ([FromHost] Scoped a, ToolContext context) => ReferenceEquals(a, context.Services!.GetRequiredService<Scoped>()), new() { Name = "t" });

        for (int i = 0; i < 2; i++)
            Assert.Equal("true", Assert.IsType<ToolReturned>((await InvokeAsync(tool, services)).Event).Result);

        Assert.Equal(2, made.Count);
        Assert.All(made, m => Assert.True(m.Disposed));
    }

    [Fact]
    public async Task Services_ThatCannotBeMade_SurelyDidNotHappen()
    {
        bool entered = false;
        await using ServiceProvider services = new ServiceCollection()
            .AddScoped<Scoped>(_ => throw new InvalidOperationException("no database"))
            .BuildServiceProvider();
        ToolDefinition tool = ToolFactory.FromMethod(([FromHost] Scoped a) => { entered = true; }, new() { Name = "t" });

        ToolFailed failed = Assert.IsType<ToolFailed>((await InvokeAsync(tool, services)).Event);

        Assert.Equal(ToolFailure.Reported, failed.Failure);
        Assert.Contains("no database", failed.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("no database", failed.Message, StringComparison.Ordinal);
        Assert.False(entered);
    }

    [Theory]
    [InlineData("1e400")]
    [InlineData("-1e400")]
    [InlineData("1e39")]
    public async Task Number_ThatWouldBeInfinity_IsRefused(string number)
    {
        float got = 0;
        ToolDefinition tool = ToolFactory.FromMethod((float x) => { got = x; }, new() { Name = "t", Description = "Tested." });
        var lab = new Lab(Script(Calls_(("t", new { x = JsonElement.Parse(number) })), Says("done")), Harness.Agent(tool).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();

        Assert.Equal(0, got);
        Assert.Contains((await lab.JournalAsync(run)).Select(e => e.Event), e => e is ToolRejected { Reason: ToolRejection.InvalidArguments } or ToolFailed { Failure: ToolFailure.Reported });
    }

    [Theory]
    [InlineData("""{"s":"\ud800"}""", true)]
    [InlineData("""{"a":[{"\udc00x":1}]}""", true)]
    [InlineData("""{"n":[1e400]}""", true)]
    [InlineData("""{"s":"\ud83d\ude00","n":1e300}""", false)]
    public void Arguments_ThatCannotBeRead_AreNamed(string json, bool unreadable) =>
        Assert.Equal(unreadable, UnreadableArguments.Find(JsonElement.Parse(json)) is not null);

    [Theory]
    [InlineData("3.0", "3")]
    [InlineData("1e2", "100")]
    [InlineData("-5.0e0", "-5")]
    public async Task Integer_WrittenOtherwise_IsAnIntegerForEveryHandler(string number, string seen)
    {
        string? got = null;
        ToolDefinition tool = Harness.Tool("t", a => got = $"{a.GetProperty("n").GetInt32()}", schema: """{"type":"object","properties":{"n":{"type":"integer"}}}""");
        var lab = new Lab(Script(Calls_(("t", new { n = JsonElement.Parse(number) })), Says("done")), Harness.Agent(tool).Build());
        await lab.StartAsync();
        await lab.WorkAllAsync();

        Assert.Equal(seen, got);
    }

    [Theory]
    [InlineData("2016-12-31T23:59:60Z")]
    [InlineData("2026-01-01T00:00:00+20:00")]
    [InlineData("0000-01-01T00:00:00Z")]
    public async Task WaitUntil_TimeThatIsNone_IsRefusedAndNotWaitedForForEver(string time)
    {
        var lab = new Lab(Script(Calls_(("wait_until", new { time })), Says("done")), Harness.Agent(BuiltInTools.WaitUntil).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();

        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
        Assert.Contains((await lab.JournalAsync(run)).Select(e => e.Event), e => e is ToolRejected { Reason: ToolRejection.InvalidArguments });
    }

    /// <summary>The process may stand still between the check of the lease and the handler's thread, and the run be another's when it wakes up.</summary>
    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public async Task Handler_WhenTheLeaseEndedOnTheWay_IsNotEntered(bool mayEnter, int calls)
    {
        int entered = 0;
        var tool = new ToolDefinition("pay", "Tested.", JsonElement.Parse("{}"), (_, _, _) =>
        {
            entered++;
            return ValueTask.FromResult(new ToolOutput("paid"));
        });

        (RunEvent result, _) = await InvokeAsync(tool, mayEnter: () => mayEnter);

        Assert.Equal(calls, entered);
        Assert.Equal(mayEnter, result is ToolReturned);
        Assert.True(mayEnter || result is ToolFailed { Failure: ToolFailure.Cancelled });
    }

    private static async Task<(RunEvent Event, Blob? Blob)> InvokeAsync(
        ToolDefinition tool, IServiceProvider? services = null, Func<bool>? mayEnter = null)
    {
        var executor = new ToolExecutor(new Handlers(8), new StoreLimits(), TimeProvider.System, TimeSpan.FromSeconds(1), NullLogger.Instance);
        ToolContext context = ToolContexts.Context(services: services);
        var intent = new ToolStarted
        {
            Turn = 1, Index = 0, Name = tool.Name, Effect = tool.Effect, Key = context.IdempotencyKey, ArgumentsHash = new string('0', 64), Attempt = 1,
            Reserved = new BudgetAmount(ToolCalls: 1),
        };
        return await executor.InvokeAsync(tool, context, JsonElement.Parse("{}"), intent, mayEnter, Token);
    }

    private sealed class Scoped : IDisposable
    {
        public bool Disposed { get; private set; }

        public void Dispose() => Disposed = true;
    }
}
