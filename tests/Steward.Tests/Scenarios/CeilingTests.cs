using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Client;
using Steward.Journal;
using Steward.Models;
using Steward.Storage;
using Steward.Tests.Support;

namespace Steward.Tests.Scenarios;

/// <summary>Many runs on one ceiling, with a model that always answers at its maximum length, fails, breaks off, and does not say what it used.</summary>
public abstract class CeilingTests(ITestOutputHelper output)
{
    private const int Runs = 64;
    private const decimal Ceiling = 2.00m;

    protected abstract Task<IStewardStore> OpenAsync();

    [Fact]
    public async Task Tenant_SixtyFourRunsInParallel_NeverSpendsOverItsCeiling()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        await using IStewardStore store = await OpenAsync();
        var model = new GreedyModel();
        AgentDefinition agent = new AgentBuilder("tester")
            .UseModel(Harness.Model with { Stream = true, MaxOutput = 4_000, Retries = 3 })
            .AddTools(Harness.Tool("step", a => a.GetRawText()))
            .WithLimits(new AgentLimits { Iterations = 100, BudgetWait = TimeSpan.FromMilliseconds(300) })
            .Build();
        await using var harness = new Harness(store, model, agent, o => o.MaxConcurrentRuns = Runs);
        await store.SetCeilingsAsync(BudgetScope.ForTenant("acme"), new BudgetCeilings { Usd = Ceiling }, cancellationToken);
        await harness.StartAsync();

        RunHandle[] runs = await Task.WhenAll(Enumerable.Range(0, Runs).Select(i => harness.Client.StartAsync("tester", new RunRequest($"go {i}") { Tenant = "acme" }, cancellationToken)));
        Task<RunResult[]> all = Task.WhenAll(runs.Select(r => r.WaitAsync(cancellationToken)));
        int looks = 0;
        while (!all.IsCompleted)
        {
            BudgetInfo now = Assert.Single(await store.BudgetsAsync("tenant:acme", cancellationToken: cancellationToken));
            Assert.True(now.Spent.Usd + now.Reserved.Usd <= Ceiling, $"{now.Spent.Usd} spent + {now.Reserved.Usd} reserved");
            looks++;
            await Task.WhenAny(all, Task.Delay(5, cancellationToken));
        }

        RunResult[] results = await all;
        BudgetInfo end = Assert.Single(await store.BudgetsAsync("tenant:acme", cancellationToken: cancellationToken));
        Assert.Equal(0m, end.Reserved.Usd);
        Assert.InRange(end.Spent.Usd, Ceiling * 0.8m, Ceiling);
        Assert.Equal(end.Spent, results.Aggregate(BudgetAmount.Zero, (sum, r) => sum + r.Spent));
        Assert.True(model.BilledUsd <= end.Spent.Usd, $"The provider billed {model.BilledUsd}, the runtime counted {end.Spent.Usd}.");
        Assert.All(results, r => Assert.Equal((RunStatus.Failed, true), (r.Status, r.Reason is "budget_exhausted" or "model_unavailable")));
        Assert.True(model.Faults > 20, $"Only {model.Faults} faults.");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Runs} runs, {model.Calls} attempts with {model.Faults} faults: billed ${model.BilledUsd:0.0000}, counted ${end.Spent.Usd:0.0000} of ${Ceiling}; {looks} looks, never above."));
    }

    /// <summary>Scripted: uses every output token that it is given; every fourth attempt fails in one of four ways.</summary>
    private sealed class GreedyModel : IChatClient
    {
        private readonly Lock _lock = new();
        private int _calls;
        private int _faults;
        private decimal _billed;

        public int Calls => _calls;

        public int Faults => _faults;

        public decimal BilledUsd => _billed;

        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            int call = Interlocked.Increment(ref _calls);
            await Task.Yield();
            // A real tokenizer makes about a token of four bytes.
            long input = messages.Sum(m => m.Contents.Sum(c => c is TextContent t ? t.Text.Length : 60)) / 4;
            int output = options!.MaxOutputTokens!.Value;
            int fault = call % 4 == 0 ? call / 4 % 4 : -1;
            if (fault >= 0)
                Interlocked.Increment(ref _faults);
            if (fault == 0)
                throw new ModelException(ModelFailure.RateLimited, "429") { NotBilled = true };
            lock (_lock)
                _billed += (input * 1m + output * 2m) / 1_000_000m;
            bool wrapUp = options.ToolMode == ChatToolMode.None;
            yield return new ChatResponseUpdate(ChatRole.Assistant, "thinking");
            if (fault == 1)
                throw new IOException("the connection was reset");
            if (!wrapUp)
                yield return new ChatResponseUpdate(ChatRole.Assistant, [new FunctionCallContent($"c{call}", "step", new Dictionary<string, object?> { ["n"] = call })]);
            if (fault == 2)
                throw new ModelException(ModelFailure.StreamInterrupted, "cut") { Usage = new UsageDetails { InputTokenCount = input, OutputTokenCount = output } };
            yield return new ChatResponseUpdate
            {
                FinishReason = wrapUp ? ChatFinishReason.Stop : ChatFinishReason.ToolCalls,
                Contents = fault == 3 ? [] : [new UsageContent(new UsageDetails { InputTokenCount = input, OutputTokenCount = output })],
            };
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
