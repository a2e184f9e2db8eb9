using System.Diagnostics;
using Steward.Journal;

namespace Steward.Diagnostics.Tracing;

/// <summary>The span of a whole run: what it sums up, and what happened in it that took no time.</summary>
internal sealed class RootSpan
{
    private const int MostEvents = 512;

    private readonly List<ActivityEvent> _events = [];
    private BudgetAmount _spent;
    private BudgetAmount _children;
    private TokenUsage _usage = new(0, 0);
    private string? _provider;
    private string? _model;
    private int _turns;
    private int _omitted;

    /// <summary>What was said in the run's own name, where content is wanted.</summary>
    public string? Input { get; set; }

    public void Add(string name, DateTimeOffset time, SpanAttributes attributes)
    {
        if (_events.Count == MostEvents)
            _omitted++;
        else
            _events.Add(new ActivityEvent(name, time, [.. attributes]));
    }

    public void Called(ModelStarted intent)
    {
        _provider ??= intent.Provider;
        _model ??= intent.Model;
        _turns = Math.Max(_turns, intent.Turn);
    }

    public void Spend(BudgetAmount amount, TokenUsage? usage = null)
    {
        _spent += amount;
        if (usage is not null)
            _usage = new TokenUsage(
                _usage.Input + usage.Input, _usage.Output + usage.Output, _usage.CacheRead + usage.CacheRead,
                _usage.CacheWrite + usage.CacheWrite, _usage.Reasoning + usage.Reasoning);
    }

    public void SpendByChild(BudgetAmount amount) => _children += amount;

    /// <remarks>Sums bear names of our own: a back end that adds up its spans would count each call twice.</remarks>
    public RunSpan Close(
        RunId run,
        RunStarted started,
        TraceIdentity trace,
        SpanAttributes common,
        (DateTimeOffset Start, DateTimeOffset End) time,
        RunEvent outcome,
        ContentWriter content)
    {
        SpanAttributes attributes = Summary(started, common);
        var span = new OpenSpan(
            $"invoke_agent {started.Agent}", ActivityKind.Internal, SpanIds.RootOf(run), trace.Parent, time.Start, attributes);
        switch (outcome)
        {
            case RunCompleted completed:
                attributes.Set("steward.status", "completed")
                    .Set("steward.proved_by", completed.ProvedBy.Count == 0 ? null : completed.ProvedBy.ToArray())
                    .Set(Names.OutputMessages, content.Output([new TextPart(completed.Output)], "stop"));
                break;
            case RunFailed failed:
                attributes.Set("steward.status", "failed");
                span.Fail(failed.Code, content.Text(failed.Message));
                break;
            case RunCancelled cancelled:
                attributes.Set("steward.status", "cancelled")
                    .Set("steward.cancelled_by", cancelled.By)
                    .Set("steward.reason", content.Text(cancelled.Reason));
                break;
        }

        return span.Close(trace, time.End, _events, started.Origin is { } origin ? [LinkTo(origin, trace)] : []);
    }

    private static ActivityLink LinkTo(RunOrigin origin, TraceIdentity trace) => new(
        new ActivityContext(
            trace.Caller?.TraceId ?? SpanIds.TraceOf(origin.Run), SpanIds.RootOf(origin.Run), ActivityTraceFlags.None));

    private SpanAttributes Summary(RunStarted started, SpanAttributes common)
    {
        SpanAttributes attributes = new SpanAttributes(common)
            .Set(Names.Operation, "invoke_agent")
            .Set(Names.Provider, _provider ?? "steward")
            .Set(Names.RequestModel, _model)
            .Set("steward.turns", (long)_turns)
            .Set("steward.model_calls", _spent.ModelCalls)
            .Set("steward.tool_calls", _spent.ToolCalls)
            .Set("steward.usage.input_tokens", _usage.Input)
            .Set("steward.usage.output_tokens", _usage.Output)
            .Set("steward.usage.cache_read_tokens", _usage.CacheRead)
            .Set("steward.usage.cache_write_tokens", _usage.CacheWrite)
            .Set("steward.cost.usd", (double)_spent.Usd)
            .Set("steward.cost.children_usd", _children == default ? null : (double)_children.Usd)
            .Set("steward.definition", started.DefinitionHash)
            .Set("steward.parent.run", started.Parent?.Run.ToString())
            .Set("steward.step", started.Parent?.Step)
            .Set("steward.fork.run", started.Origin?.Run.ToString())
            .Set("steward.fork.sequence", started.Origin?.Sequence)
            .Set("steward.events.omitted", _omitted == 0 ? null : (long)_omitted)
            .Set(Names.InputMessages, Input);
        foreach ((string key, string value) in started.Labels ?? new Dictionary<string, string>())
            attributes.Set($"steward.label.{key}", value);
        return attributes;
    }
}
