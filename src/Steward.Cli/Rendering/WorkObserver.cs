using System.Text.Json.Nodes;
using Steward.Client.Contract;
using Steward.Engine;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Cli.Rendering;

/// <summary>A line for every transition; what is said and done in between is in <c>steward show</c>.</summary>
internal sealed class WorkObserver(Output output) : IRunObserver
{
    public void Committed(RunState state, IReadOnlyList<JournalEntry> entries)
    {
        foreach (JournalEntry entry in entries)
        {
            if (entry.Event is not StateChanged change)
                continue;
            output.Line(
                $"{Show.Clock(entry.Time)}  {state.Run}  {change.From.Name()} → {change.To.Name()} ({change.Reason})  {Show.Spent(state.Spent, state.Started.Ceilings)}",
                RunSummary.StyleOf(change.To));
            output.JsonLine(new JsonObject
            {
                ["type"] = "transition",
                ["time"] = Wire.Time(entry.Time),
                ["run"] = state.Run.ToString(),
                ["from"] = change.From.Name(),
                ["to"] = change.To.Name(),
                ["reason"] = change.Reason,
                ["spent"] = Documents.Of(state.Spent),
            });
        }
    }

    public void Alerted(RunState state, BudgetAlert alert) =>
        output.ErrorLine(
            $"warning: {alert.Scope} has used {Show.Of(alert.Metric, alert.Used)} of its ceiling of {Show.Of(alert.Metric, alert.Ceiling)} {Show.Metric(alert.Metric)}");
}
