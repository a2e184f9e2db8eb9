using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterChecker.Rules;

/// <summary>What an event does to the budgets of one day (UTC).</summary>
internal readonly record struct Change(DateOnly Day, Amount Spend, Amount Release, Amount Reserve);

/// <summary>What one run holds reserved. An intent reserves; a result settles on the day of the intent; a call whose outcome is unknown is charged what it reserved.</summary>
internal sealed class Reservations
{
    private readonly Dictionary<(int Turn, int Index), Reserved> _calls = [];
    private readonly Dictionary<string, (int Turn, int Index)> _unknown = [];
    private Reserved? _model;

    public IEnumerable<Change> Apply(Entry entry) => [.. Changes(entry)];

    private IEnumerable<Change> Changes(Entry entry)
    {
        (int, int) position = Calls.PositionOf(entry);
        switch (entry.Type)
        {
            case "model.started":
                _model = new Reserved(DayOf(entry), Amount.Read(entry.Json, "reserved"));
                yield return new Change(_model.Day, default, default, _model.Amount);
                break;
            case "model.returned" or "model.failed" when _model is { } model:
                _model = null;
                yield return new Change(model.Day, Amount.Read(entry.Json, "settled"), model.Amount, default);
                break;
            case "tool.started":
                foreach (Change before in Charge(position))
                    yield return before;
                Reserved call = _calls[position] = new Reserved(DayOf(entry), Amount.Read(entry.Json, "reserved"));
                yield return new Change(call.Day, default, default, call.Amount);
                break;
            case "tool.returned" or "tool.failed":
                Reserved held = _calls.Remove(position, out Reserved? known) ? known : new Reserved(DayOf(entry), default);
                yield return new Change(held.Day, Amount.Read(entry.Json, "settled"), held.Amount, default);
                break;
            case "tool.rejected":
            case "tool.resolved" when entry.Text("outcome") != "unknown":
                foreach (Change whole in Charge(position))
                    yield return whole;
                break;
            case "question.asked" when entry.Text("kind") == "outcome_unknown":
                _unknown[entry.Text("id")] = position;
                break;
            case "question.answered" when _unknown.Remove(entry.Text("id"), out (int, int) asked):
                foreach (Change whole in Charge(asked))
                    yield return whole;
                break;
            case "run.completed" or "run.failed" or "run.cancelled":
                foreach (Change rest in Everything())
                    yield return rest;
                break;
        }
    }

    private IEnumerable<Change> Charge((int, int) position)
    {
        if (_calls.Remove(position, out Reserved? call))
            yield return new Change(call.Day, call.Amount, call.Amount, default);
    }

    private IEnumerable<Change> Everything()
    {
        Reserved[] left = [.. _model is null ? [] : (Reserved[])[_model], .. _calls.Values];
        _model = null;
        _calls.Clear();
        return left.Select(r => new Change(r.Day, r.Amount, r.Amount, default));
    }

    private static DateOnly DayOf(Entry entry) => DateOnly.FromDateTime(DateTimeOffset.FromUnixTimeMilliseconds(entry.Time).UtcDateTime);

    private sealed record Reserved(DateOnly Day, Amount Amount);
}
