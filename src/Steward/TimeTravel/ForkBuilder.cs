using System.Globalization;
using System.Text;
using Steward.Agents;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.TimeTravel;

/// <summary>Makes the beginning of a fork: the origin's entries up to a place, at rest, chained anew under the fork's id.</summary>
internal sealed class ForkBuilder(IStewardStore store, AgentRegistry agents, TimeProvider time)
{
    public async Task<RunStart> BuildAsync(RunId run, ForkRequest request, CancellationToken cancellationToken)
    {
        if (request.Input is not null && request.Result is not null)
            throw new StewardException("A fork changes the input or a result, not both: fork the fork for the second change.");
        Recording origin = await Recordings.ReadAsync(store, run, cancellationToken);
        if (origin.State.Started.Parent is { Step: { } step } parent)
            throw new StewardException(
                $"Run {run} is step '{step}' of the plan of run {parent.Run} and cannot be forked alone. Fork that run.");
        Cut cut = Cut.Of(origin, request);
        IReadOnlyList<JournalEntry> kept = ForkPrefix.Of(cut.Entries, cut.AtRest);
        AgentDefinition? target = Target(cut.AtRest.Started, request);
        if (target is not null)
            await store.PutAsync(new Blob(target.Hash, target.Json), cancellationToken);
        return Chain(cut, kept, request, target);
    }

    private AgentDefinition? Target(RunStarted started, ForkRequest request)
    {
        if (request.Agent is null && request.AgentVersion is null)
            return null; // It stays on the definition that it was on; where that is not loaded, the fork waits for it.
        string name = request.Agent ?? started.Agent;
        return (request.AgentVersion is { } version ? agents.Find(name, version) : agents.Find(name))
            ?? throw new StewardException(
                $"The agent '{name}'{(request.AgentVersion is null ? "" : $" version '{request.AgentVersion}'")} is not loaded here, so nothing was forked.");
    }

    private RunStart Chain(Cut cut, IReadOnlyList<JournalEntry> kept, ForkRequest request, AgentDefinition? target)
    {
        RunId id = RunId.New(time);
        DateTimeOffset now = time.GetUtcNow();
        // Moved to now as a whole: what counts of the time before is how long it was, not how long ago.
        TimeSpan shift = now - kept[^1].Time;
        var entries = new List<JournalEntry>(kept.Count);
        RunState state = RunState.Empty(id);
        foreach (JournalEntry entry in kept)
        {
            RunEvent copied = entry.Sequence == 1 ? Started(cut, kept.Count, request, target) : cut.Change(entry);
            var made = JournalEntry.Create(id, entries.Count + 1, state.Head, copied, entry.Time + shift);
            state = RunJournal.Fold(state, made); // Refuses what no run could have done.
            entries.Add(made);
        }

        return new RunStart { Run = id, Entry = entries[0], Copied = entries[1..] };
    }

    private static RunStarted Started(Cut cut, int copied, ForkRequest request, AgentDefinition? target)
    {
        RunStarted started = cut.AtRest.Started;
        return started with
        {
            Agent = target?.Name ?? started.Agent,
            AgentVersion = target?.Version ?? started.AgentVersion,
            DefinitionHash = target?.Hash ?? started.DefinitionHash,
            Input = cut.ChangesRequest ? request.Input! : started.Input,
            Ceilings = (target?.Ceilings ?? started.Ceilings).Tighten(request.Ceilings),
            By = request.By ?? started.By,
            Session = request.Session,
            Key = request.Key,
            Parent = null, // Nobody waits for the fork of a child.
            Origin = new RunOrigin(cut.AtRest.Run, cut.Last, copied, InWords(cut, request, target)),
        };
    }

    private static string? InWords(Cut cut, ForkRequest request, AgentDefinition? target)
    {
        var text = new StringBuilder();
        if (request.Input is { } input)
            text.Append(
                CultureInfo.InvariantCulture,
                $"{(cut.ChangesRequest ? "the request" : $"the message at {cut.Last}")} is now: {Excerpt(string.Join(' ', input.OfType<TextPart>().Select(p => p.Text)))}");
        if (request.Result is { } result)
            text.Append(CultureInfo.InvariantCulture, $"the result of call {result.Turn}.{result.Index} is now: {Excerpt(result.Text)}");
        if (target is not null)
            text.Append(
                CultureInfo.InvariantCulture,
                $"{(text.Length > 0 ? "; " : "")}goes on as {target.Name} version {target.Version} ({target.Hash[..12]})");
        return text.Length == 0 ? null : text.ToString();
    }

    private static string Excerpt(string text) => text.Length <= 200 ? text : $"{text[..199]}…";

    /// <summary>How far the origin is looked at, and which of its entries is another one in the fork.</summary>
    /// <param name="Entries">The entries up to the cut, terminal ones left out.</param>
    /// <param name="AtRest">The state after them.</param>
    /// <param name="Last">The last sequence that was looked at.</param>
    /// <param name="Changed">The sequence of the changed entry, if one is changed.</param>
    /// <param name="Request">What is asked for.</param>
    private sealed record Cut(IReadOnlyList<JournalEntry> Entries, RunState AtRest, long Last, long? Changed, ForkRequest Request)
    {
        public bool ChangesRequest => Changed == 1;

        public static Cut Of(Recording origin, ForkRequest request)
        {
            long last = request.Sequence ?? origin.Entries.Count;
            if (last < 1 || last > origin.Entries.Count)
                throw new StewardException($"Run {origin.Run} has no sequence {last}; its journal has {origin.Entries.Count} entries.");
            long? changed = ChangedAt(origin, request, last);
            // What was said in the session before stood before the request, though it was noted after it.
            IEnumerable<JournalEntry> entries = changed == 1
                ? origin.Entries.Take((int)last).Where(e => e.Sequence == 1 || e.Event is HistoryAdded)
                : origin.Entries.Take((int)(changed ?? last));
            JournalEntry[] begun = [.. entries.Where(e => !IsEnd(e.Event))];
            return new Cut(begun, StateAt(origin, begun), changed ?? last, changed, request);
        }

        /// <summary>The event as it is in the fork.</summary>
        public RunEvent Change(JournalEntry entry) => entry.Sequence != Changed ? entry.Event : entry.Event switch
        {
            MessageReceived e => e with { Input = Request.Input! },
            ToolReturned e => e with { Result = Request.Result!.Text, Blob = null, Length = 0 },
            ToolFailed e => new ToolReturned { Turn = e.Turn, Index = e.Index, Result = Request.Result!.Text, Settled = e.Settled },
            _ => entry.Event,
        };

        private static RunState StateAt(Recording origin, JournalEntry[] entries)
        {
            RunState state = RunState.Empty(origin.Run);
            foreach (JournalEntry entry in origin.Entries.Take((int)entries[^1].Sequence).Where(e => !IsEnd(e.Event)))
                state = state.Apply(entry);
            return state;
        }

        private static long? ChangedAt(Recording origin, ForkRequest request, long last)
        {
            IEnumerable<JournalEntry> before = origin.Entries.Take((int)last);
            if (request.Input is not null)
                return before.Last(e => e.Event is RunStarted or MessageReceived).Sequence;
            if (request.Result is not { } result)
                return null;
            return before.LastOrDefault(e => e.Event switch
            {
                ToolReturned r => (r.Turn, r.Index) == (result.Turn, result.Index),
                ToolFailed { Failure: not ToolFailure.OutcomeUnknown } f => (f.Turn, f.Index) == (result.Turn, result.Index),
                _ => false,
            })?.Sequence ?? throw new ForkCallException(origin.Run, result.Turn, result.Index, last);
        }

        private static bool IsEnd(RunEvent e) =>
            e is RunCompleted or RunFailed or RunCancelled || (e is StateChanged { To: var to } && to.IsTerminal());
    }
}
