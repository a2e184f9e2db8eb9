using Steward.Journal;

namespace Steward.Diagnostics.Tracing;

/// <summary>Journal events that take no time, as events of the run's span.</summary>
internal static class RunEvents
{
    /// <summary>The event's name and attributes; null for what no trace needs.</summary>
    public static (string Name, SpanAttributes Attributes)? Describe(RunEvent runEvent, ContentWriter content) => runEvent switch
    {
        StateChanged e => ("steward.state", Of("steward.state.from", e.From.Name(), "steward.state.to", e.To.Name())
            .Set("steward.state.reason", e.Reason).Set("steward.state.detail", content.Text(e.Detail))),
        VerdictGiven e => ("gen_ai.evaluation.result", Of("gen_ai.evaluation.name", e.Validator, "gen_ai.evaluation.score.label", Names.Of(e.Verdict))
            .Set("gen_ai.evaluation.score.value", e.Verdict switch { Verdict.Passed => 1.0, Verdict.Failed => 0.0, _ => null })
            .Set("gen_ai.evaluation.explanation", content.Text(e.Evidence))
            .Set("steward.validation.round", (long)e.Round)),
        ToolResolved e => ("steward.tool.resolved", Of(Names.Outcome, Names.Of(e.Outcome), "steward.resolved_by", e.By)
            .Set(Names.Turn, (long)e.Turn).Set("steward.call.index", (long)e.Index)),
        BudgetRefused e => ("steward.budget.refused", Of("steward.budget.scope", e.Scope, "steward.budget.metric", Names.Of(e.Metric))
            .Set("steward.budget.ceiling", (double)e.Ceiling).Set("steward.budget.spent", (double)e.Spent)
            .Set("steward.budget.reserved", (double)e.Reserved).Set("steward.budget.asked", (double)e.Asked)),
        BudgetAlerted e => ("steward.budget.alert", Of("steward.budget.scope", e.Scope, "steward.budget.metric", Names.Of(e.Metric))
            .Set("steward.budget.threshold", (double)e.Threshold).Set("steward.budget.used", (double)e.Used)
            .Set("steward.budget.ceiling", (double)e.Ceiling)),
        GuidanceAdded e => ("steward.guidance", Of("steward.guidance.reason", Names.Of(e.Reason), "steward.guidance.text", content.Text(e.Text))),
        PlanMade e => ("steward.plan", Of("steward.plan.round", (long)e.Round, "steward.plan.steps", (long)e.Plan.Steps.Count)
            .Set("steward.plan.reflection", content.Text(e.Plan.Reflection))),
        ContextAdded e => ("steward.context", Of("steward.context.source", e.Source, "steward.context.text", content.Text(e.Text))),
        HistoryAdded e => ("steward.history", Of("steward.history.messages", (long)e.Messages.Count)),
        ToolsOffered e => ("steward.tools", Of("steward.tools.source", e.Source, "steward.tools.count", (long)e.Tools.Count)),
        MessageReceived => ("steward.message", []),
        QuestionReassigned e => ("steward.question.reassigned", Of("steward.question.id", e.Id, "steward.question.by", e.By)
            .Set("steward.question.assignee", e.Assignee)),
        RunMigrated e => ("steward.migrated", Of("steward.migrated.from", e.FromVersion, "steward.migrated.to", e.AgentVersion)
            .Set("steward.migrated.by", e.By)),
        CancelRequested e => ("steward.cancel", Of("steward.cancel.by", e.By, "steward.cancel.reason", content.Text(e.Reason))),
        _ => null,
    };

    private static SpanAttributes Of(string name, object? value, string? second = null, object? other = null)
    {
        SpanAttributes attributes = new SpanAttributes().Set(name, value);
        return second is null ? attributes : attributes.Set(second, other);
    }
}
