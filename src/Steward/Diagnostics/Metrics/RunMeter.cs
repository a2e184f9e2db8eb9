using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Steward.Diagnostics.Tracing;
using Steward.Engine;
using Steward.Journal;
using Steward.State;

namespace Steward.Diagnostics.Metrics;

/// <summary>Measures what this process's worker commits: model calls by the
/// GenAI conventions, and runs, tools, claims and refusals.</summary>
/// <remarks>Tags are names of agents, models and tools: an installation has few of
/// them. Names of runs, sessions, users and tenants never become tags.</remarks>
internal sealed class RunMeter : IRunObserver
{
    private const int MostRuns = 100_000;

    // The bounds that the GenAI conventions 1.41.1 recommend.
    private static readonly double[] s_seconds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
    private static readonly long[] s_tokens =
        [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864];

    private static readonly double[] s_longSeconds = [0.1, 1, 10, 60, 600, 3_600, 36_000, 86_400, 604_800];

    private readonly Histogram<long> _tokens;
    private readonly Histogram<double> _modelSeconds;
    private readonly Histogram<double> _toolSeconds;
    private readonly Histogram<double> _runSeconds;
    private readonly Histogram<double> _queueSeconds;
    private readonly Histogram<double> _questionSeconds;
    private readonly Counter<double> _cost;
    private readonly Counter<long> _failures;
    private readonly Counter<long> _takeovers;
    private readonly Counter<long> _refusals;
    private readonly ConcurrentDictionary<RunId, ConcurrentDictionary<string, (RunEvent Intent, DateTimeOffset Begun)>> _inFlight = new();

    public RunMeter(StewardMeter meter)
    {
        Meter m = meter.Meter;
        _tokens = m.CreateHistogram(
            "gen_ai.client.token.usage", "{token}", "Tokens of model calls.", advice: new InstrumentAdvice<long> { HistogramBucketBoundaries = s_tokens });
        _modelSeconds = Seconds(m, "gen_ai.client.operation.duration", "How long model calls took.", s_seconds);
        _toolSeconds = Seconds(m, "steward.tool.duration", "How long tool calls took.", s_seconds);
        _runSeconds = Seconds(m, "steward.run.duration", "How long runs took from start to end, waiting included.", s_longSeconds);
        _queueSeconds = Seconds(m, "steward.queue.duration", "How long new runs waited for a worker.", s_longSeconds);
        _questionSeconds = Seconds(m, "steward.question.duration", "How long questions waited for an answer.", s_longSeconds);
        _cost = m.CreateCounter<double>("steward.cost", "{USD}", "US dollars that were settled.");
        _failures = m.CreateCounter<long>("steward.tool.failures", "{call}", "Tool calls that failed, or were refused.");
        _takeovers = m.CreateCounter<long>("steward.takeovers", "{claim}", "Claims of runs whose earlier worker was lost.");
        _refusals = m.CreateCounter<long>("steward.budget.refusals", "{call}", "Calls that a ceiling refused.");
    }

    public void Committed(RunState state, IReadOnlyList<JournalEntry> entries)
    {
        string agent = state.Started.Agent;
        foreach (JournalEntry entry in entries)
        {
            switch (entry.Event)
            {
                case RunClaimed e:
                    Claimed(e, state, entry, agent);
                    break;
                case ModelStarted or ToolStarted or QuestionAsked:
                    Begin(entry);
                    break;
                case ModelReturned or ModelFailed:
                    ModelEnded(entry, agent);
                    break;
                case ToolReturned or ToolFailed:
                    ToolEnded(entry, agent);
                    break;
                case ToolRejected e:
                    _failures.Add(1, new("gen_ai.agent.name", agent), new("error.type", Names.Of(e.Reason)));
                    break;
                case QuestionAnswered:
                    QuestionEnded(entry, agent);
                    break;
                case BudgetRefused e:
                    _refusals.Add(
                        1,
                        new(StewardMeter.ScopeTag, StewardMeter.KindOf(new BudgetScope(e.Scope))),
                        new(StewardMeter.MetricTag, Names.Of(e.Metric)));
                    break;
                case RunCompleted or RunFailed or RunCancelled:
                    _runSeconds.Record(
                        (entry.Time - state.StartedAt).TotalSeconds, new("gen_ai.agent.name", agent), new("steward.status", state.Status.Name()),
                        new("steward.reason", state.Reason));
                    _inFlight.TryRemove(entry.Run, out _);
                    break;
            }
        }
    }

    private void Claimed(RunClaimed e, RunState state, JournalEntry entry, string agent)
    {
        if (entry.Sequence == 2)
            _queueSeconds.Record((entry.Time - state.StartedAt).TotalSeconds, new KeyValuePair<string, object?>("gen_ai.agent.name", agent));
        if (e.Attempt > 1)
            _takeovers.Add(1, new KeyValuePair<string, object?>("gen_ai.agent.name", agent));
    }

    private void ModelEnded(JournalEntry entry, string agent)
    {
        if (End(entry) is not { } call)
            return;
        var intent = (ModelStarted)call.Intent;
        KeyValuePair<string, object?>[] tags =
        [
            new("gen_ai.operation.name", "chat"), new("gen_ai.provider.name", intent.Provider), new("gen_ai.request.model", intent.Model),
            new("gen_ai.agent.name", agent),
        ];
        if (entry.Event is ModelReturned { Usage: { } usage })
        {
            _tokens.Record(usage.Input, [.. tags, new("gen_ai.token.type", "input")]);
            _tokens.Record(usage.Output, [.. tags, new("gen_ai.token.type", "output")]);
        }

        (BudgetAmount settled, string? error) = entry.Event is ModelFailed failed
            ? (failed.Settled, Names.Of(failed.Failure))
            : (((ModelReturned)entry.Event).Settled, null);
        _modelSeconds.Record((entry.Time - call.Begun).TotalSeconds, error is null ? tags : [.. tags, new("error.type", error)]);
        _cost.Add((double)settled.Usd, tags);
    }

    private void QuestionEnded(JournalEntry entry, string agent)
    {
        if (End(entry) is not { } asked)
            return;
        _questionSeconds.Record(
            (entry.Time - asked.Begun).TotalSeconds,
            new("gen_ai.agent.name", agent),
            new("steward.question.kind", Names.Of(((QuestionAsked)asked.Intent).Kind)));
    }

    private void ToolEnded(JournalEntry entry, string agent)
    {
        if (End(entry) is not { } call)
            return;
        KeyValuePair<string, object?>[] tags = [new("gen_ai.tool.name", ((ToolStarted)call.Intent).Name), new("gen_ai.agent.name", agent)];
        if (entry.Event is ToolFailed failed)
        {
            tags = [.. tags, new("error.type", Names.Of(failed.Failure))];
            _failures.Add(1, tags);
        }

        _toolSeconds.Record((entry.Time - call.Begun).TotalSeconds, tags);
    }

    private void Begin(JournalEntry entry)
    {
        if (_inFlight.Count >= MostRuns)
            _inFlight.Clear(); // Runs that other workers went on with are among them.
        _inFlight.GetOrAdd(entry.Run, static _ => new(StringComparer.Ordinal))[KeyOf(entry.Event)] = (entry.Event, entry.Time);
    }

    private (RunEvent Intent, DateTimeOffset Begun)? End(JournalEntry entry) =>
        _inFlight.TryGetValue(entry.Run, out ConcurrentDictionary<string, (RunEvent Intent, DateTimeOffset Begun)>? calls)
            && calls.TryRemove(KeyOf(entry.Event), out (RunEvent Intent, DateTimeOffset Begun) call)
            ? call
            : null;

    private static string KeyOf(RunEvent runEvent) => runEvent switch
    {
        ToolStarted e => $"{e.Turn}.{e.Index}",
        ToolReturned e => $"{e.Turn}.{e.Index}",
        ToolFailed e => $"{e.Turn}.{e.Index}",
        QuestionAsked e => $"question:{e.Id}",
        QuestionAnswered e => $"question:{e.Id}",
        _ => "model",
    };

    private static Histogram<double> Seconds(Meter meter, string name, string description, IReadOnlyList<double> bounds) =>
        meter.CreateHistogram(name, "s", description, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });
}
