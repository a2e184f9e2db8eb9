using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Client;
using Steward.Diagnostics;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Shared;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Scenarios;

/// <summary>A life of thousands of runs of 16 kinds in one process: nothing is stuck, no reservation is left, memory and idle CPU stay flat.</summary>
/// <remarks>Short by default; 4,000 runs with <c>STEWARD_FULL=1</c>, and then memory is held too. The model is scripted.</remarks>
public abstract class LifeScenarios(ITestOutputHelper output)
{
    private const int Drivers = 16;
    private static readonly string s_large = new('x', 100_000);

    private static readonly (string Kind, RunStatus Ends)[] s_kinds =
    [
        ("answer", RunStatus.Completed), ("chat", RunStatus.Completed), ("tool", RunStatus.Completed), ("approve", RunStatus.Completed),
        ("deny", RunStatus.Completed), ("expire", RunStatus.Completed), ("timer", RunStatus.Completed), ("children", RunStatus.Completed),
        ("ask", RunStatus.Completed), ("cancel", RunStatus.Cancelled), ("kill", RunStatus.Completed), ("budget", RunStatus.Failed),
        ("large", RunStatus.Completed), ("message", RunStatus.Completed), ("signal", RunStatus.Completed), ("invalid", RunStatus.Failed),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    protected abstract Task<IStewardStore> OpenAsync();

    [Fact]
    public async Task Life_OfRunsOfAllKinds_LeavesNothingBehind()
    {
        int runs = SuiteSize.Of(320, 4_000), part = runs / 8;
        await using IStewardStore store = await OpenAsync();
        await using Harness harness = new(store, new FunctionModel(Respond), Agent(), o => o.MaxConcurrentRuns = 64);
        await harness.StartAsync();
        List<long> resident = [];
        for (int begun = 0; begun < runs; begun += part)
        {
            await LiveAsync(harness.Client, begun, part);
            await PruneAsync(store);
            resident.Add(Resident());
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{begun + part} runs: {resident[^1] / 1024 / 1024} MiB resident, {GC.GetTotalMemory(false) / 1024 / 1024} MiB managed"));
        }

        double idle = await IdleAsync();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"idle: {idle:0.0} ms of CPU a second"));
        Assert.Empty(await store.FindAsync(new RunQuery { Statuses = StatusRules.Living }, Token));
        Assert.All(await store.BudgetsAsync("", 100_000, Token), b => Assert.Equal(BudgetAmount.Zero, b.Reserved));
        Assert.Empty(await store.SwitchesAsync(Token));
        IVerifiableStore verifiable = store.GetService<IVerifiableStore>()!;
        Assert.Empty(await verifiable.VerifyAsync(cancellationToken: Token));
        await foreach (RunHead head in verifiable.HeadsAsync(Token))
            Assert.Empty(await RowAudit.CheckAsync(store, head.Run, Token));
        if (SuiteSize.IsFull)
        {
            // The second half of a life takes no more than the first: what grows with the number of runs would show.
            Assert.InRange(resident[^1], 0, resident[3] + (16L << 20));
            Assert.InRange(idle, 0, 150);
        }
    }

    private static async Task LiveAsync(IStewardClient client, int begun, int count)
    {
        int next = -1;
        await Task.WhenAll(Enumerable.Range(0, Drivers).Select(_ => Task.Run(async () =>
        {
            for (int i = Interlocked.Increment(ref next); i < count; i = Interlocked.Increment(ref next))
            {
                (string kind, RunStatus ends) = s_kinds[i % s_kinds.Length];
                RunResult result = await LiveAsync(client, kind, begun + i).WaitAsync(TimeSpan.FromMinutes(1), Token);
                Assert.True(result.Status == ends, $"{kind}: {result.Status} ({result.Reason}): {result.Message}");
            }
        })));
    }

    private static async Task<RunResult> LiveAsync(IStewardClient client, string kind, int number)
    {
        var request = new RunRequest(kind)
        {
            Tenant = $"t{number % 5}",
            User = "ana",
            Session = kind == "chat" ? $"s{number / 320}" : null,
            SessionPolicy = kind == "chat" ? SessionPolicy.Enqueue : SessionPolicy.Parallel,
            Ceilings = kind == "budget" ? new BudgetCeilings { ModelCalls = 3 } : null,
        };
        RunHandle run = await client.StartAsync("tester", request, Token);
        if (kind == "kill")
            return await KillAsync(client, run);
        if (kind is "expire")
            return await run.WaitAsync(Token);
        RunResult settled = await run.WaitUntilSettledAsync(Token);
        switch (kind)
        {
            case "approve" or "deny":
                await run.AnswerAsync("approve-1.0", kind == "approve" ? Answer.Approve : Answer.Deny, "ben", cancellationToken: Token);
                break;
            case "message":
                await run.SendAsync("one more thing", cancellationToken: Token);
                await run.AnswerAsync("ask-1.0", Answer.Reply, "ana", "red", cancellationToken: Token);
                break;
            case "ask":
                await run.AnswerAsync("ask-1.0", Answer.Reply, "ana", "red", cancellationToken: Token);
                break;
            case "cancel":
                await run.CancelAsync("ana", "enough", cancellationToken: Token);
                break;
            case "signal":
                await run.SignalAsync("paid", cancellationToken: Token);
                break;
            default:
                return settled;
        }

        return await run.WaitUntilSettledAsync(Token);
    }

    private static async Task<RunResult> KillAsync(IStewardClient client, RunHandle run)
    {
        string scope = $"run:{run.Id}";
        await client.EngageAsync(new KillSwitch(scope, "ana", null, DateTimeOffset.UnixEpoch), Token);
        RunResult held = await run.WaitUntilSettledAsync(Token);
        Assert.True(held.Status.IsTerminal() || held.Reason == Reasons.KillSwitch, held.Reason);
        await client.ReleaseAsync(scope, Token);
        return await run.WaitUntilSettledAsync(Token);
    }

    private static async Task PruneAsync(IStewardStore store)
    {
        IRetentionStore retention = store.GetService<IRetentionStore>()!;
        TimeSpan old = TimeSpan.FromMilliseconds(1);
        List<RunId> roots = [];
        await foreach (EndedFamily family in retention.EndedAsync(new RetentionQuery(old), Token))
            roots.Add(family.Root);
        foreach (RunId[] some in roots.SkipLast(20).Chunk(100))
            Assert.Equal(some.Length, (await retention.PruneAsync(some, old, Token)).Count);
    }

    private static long Resident()
    {
        GC.Collect();
        using var self = Process.GetCurrentProcess();
        return self.WorkingSet64;
    }

    /// <summary>Milliseconds of CPU a second while nothing is to be done.</summary>
    private static async Task<double> IdleAsync()
    {
        using var self = Process.GetCurrentProcess();
        TimeSpan before = self.TotalProcessorTime;
        await Task.Delay(TimeSpan.FromSeconds(2), Token);
        self.Refresh();
        return (self.TotalProcessorTime - before).TotalMilliseconds / 2;
    }

    private static AgentDefinition Agent() => Harness.Agent(
            Harness.Tool("look", _ => "seen"),
            Harness.Tool("read", _ => s_large),
            Harness.Tool("pay", _ => "paid", ToolEffect.Unsafe),
            Harness.Tool("rush", _ => "rushed", ToolEffect.Unsafe),
            BuiltInTools.AskUser,
            BuiltInTools.WaitUntil,
            BuiltInTools.Agent("tester", "Does a part.", "delegate"))
        .AddApprovals(
            new ApprovalPolicy { Name = "payments", Tools = ["pay"] },
            new ApprovalPolicy { Name = "rushes", Tools = ["rush"], ExpiresAfter = TimeSpan.FromMilliseconds(200) })
        .AddValidators(new DelegateValidator("right", "The answer is not wrong.", (context, _) =>
            ValueTask.FromResult(context.Answer == "wrong" ? Finding.Failed("It is wrong.") : Finding.Passed("It is right."))))
        .Build();

    private static ChatResponse Respond(IReadOnlyList<ChatMessage> messages, ChatOptions options)
    {
        string kind = messages.First(m => m.Role == ChatRole.User).Text;
        bool isDone = messages.Any(m => m.Role == ChatRole.Tool);
        return kind switch
        {
            "invalid" => Says("wrong"),
            "budget" => options.ToolMode == ChatToolMode.Auto ? Calls_(("look", new { n = messages.Count })) : Says("wrong"),
            _ when isDone => Says("done"),
            "tool" or "kill" => Calls_(("look", new { })),
            "large" => Calls_(("read", new { })),
            "approve" or "deny" => Calls_(("pay", new { })),
            "expire" => Calls_(("rush", new { })),
            "timer" => Calls_(("wait_until", new { seconds = 0.2 })),
            "signal" => Calls_(("wait_until", new { signal = "paid" })),
            "children" => Calls_(("delegate", new { task = "answer" }), ("delegate", new { task = "tool" })),
            "ask" or "message" or "cancel" => Calls_(("ask_user", new { question = "Which?" })),
            _ => Says("done"),
        };
    }
}
