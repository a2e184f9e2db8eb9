using Steward.Agents;
using Steward.Engine;
using Steward.Journal;
using Steward.Models;
using Steward.Storage;
using Steward.TimeTravel;

namespace Steward.Client;

internal sealed class StewardClient(
    IStewardStore store,
    AgentRegistry agents,
    RunHub hub,
    RunPoll poll,
    IReadOnlyList<ModelInfo> prices,
    ModelRouter router,
    IRunStreams streams,
    TimeProvider time) : IStewardClient
{
    public async Task<RunHandle> StartAsync(string agent, RunRequest request, CancellationToken cancellationToken = default) =>
        (await StartOrFindAsync(agent, request, cancellationToken)).Run;

    public async Task<StartOutcome> StartOrFindAsync(string agent, RunRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        AgentDefinition definition = agents.Find(agent)
            ?? throw new StewardException(
                $"There is no agent '{agent}' here; there are: {string.Join(", ", agents.Names.Order(StringComparer.Ordinal))}.");
        Check(request);
        TransactionalCalls.ThrowIfUnserved(definition, store);
        IReadOnlyList<ContentPart> input = await Attachments.CheckedAsync(store, request.Tenant, request.Input, cancellationToken);
        AttachmentCheck.ThrowIfRefused(router, definition, input);
        RunId id = RunId.New(time);
        var started = new RunStarted
        {
            Agent = definition.Name,
            AgentVersion = definition.Version,
            DefinitionHash = definition.Hash,
            Tenant = request.Tenant,
            User = request.User,
            By = request.By,
            Session = request.Session,
            Key = request.Key,
            Input = input,
            Labels = request.Labels is { Count: > 0 } labels
                ? new SortedDictionary<string, string>(labels.ToDictionary(), StringComparer.Ordinal)
                : null,
            Trace = request.Trace ?? CallerTrace.Current,
            Ceilings = definition.Ceilings.Tighten(request.Ceilings),
        };
        StartResult result = await store.StartAsync(
            new RunStart
            {
                Run = id,
                Entry = JournalEntry.Create(id, 1, JournalEntry.Origin, started, time.GetUtcNow()),
                Definition = new Blob(definition.Hash, definition.Json),
                SessionCeilings = definition.SessionCeilings,
                SessionPolicy = request.SessionPolicy,
            },
            cancellationToken);
        if (result.BusyWith is { } busy)
            throw new SessionBusyException(request.Session!, busy);
        if (result is { Created: false, Full: null })
            await CheckSameAsync(result.Run, started, cancellationToken);
        return new StartOutcome(Begun(result), result.Created);
    }

    public async Task<RunHandle> ForkAsync(RunId run, ForkRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Ceilings?.Check();
        RunStart start = await new ForkBuilder(store, agents, time).BuildAsync(run, request, cancellationToken);
        return Begun(await store.StartAsync(start, cancellationToken));
    }

    public Task<ReplayReport> ReplayAsync(RunId run, ReplayRequest? request = null, CancellationToken cancellationToken = default) =>
        new Replayer(store, agents, prices).ReplayAsync(run, request ?? new ReplayRequest(), cancellationToken);

    public async Task<RunDiff> DiffAsync(RunId left, RunId right, CancellationToken cancellationToken = default) =>
        RunDiff.Of(await Recordings.ReadAsync(store, left, cancellationToken), await Recordings.ReadAsync(store, right, cancellationToken));

    public async Task<MigrationReport> MigrateAsync(RunId run, MigrationRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        MigrationReport report = await new Migration(store, agents).LookAsync(run, request, cancellationToken);
        if (request.DryRun || report.IsThereAlready)
            return report;
        if (report.Blockers.Count > 0)
            throw new MigrationBlockedException(report);
        if (agents.Find(report.Agent, report.ToVersion) is { } target)
            await store.PutAsync(new Blob(target.Hash, target.Json), cancellationToken);
        var body = new MigrateSignal(report.ToVersion, report.ToHash!, request.By, request.Note);
        SignalResult sent = await store.SignalAsync(
            new Signal(request.SignalId ?? RunId.New(time).ToString(), run, body), cancellationToken);
        if (sent == SignalResult.RunEnded)
            throw Migration.Ended(run);
        hub.Notify(run);
        return report with { IsSent = true };
    }

    public async Task<SwitchOutcome> EngageAsync(KillSwitch killSwitch, CancellationToken cancellationToken = default)
    {
        bool changed = await store.EngageAsync(killSwitch, cancellationToken);
        hub.NotifyAll();
        string scope = KillSwitch.ParseScope(killSwitch.Scope);
        return new SwitchOutcome(
            changed, await SwitchScopes.WarningAsync(store, scope, agents.Names, CancellationToken.None) is { } warning ? [warning] : []);
    }

    public async Task<bool> ReleaseAsync(string scope, CancellationToken cancellationToken = default)
    {
        bool released = await store.ReleaseAsync(scope, cancellationToken);
        hub.NotifyAll();
        return released;
    }

    public Task<BlobPart> PutBlobAsync(
        Stream content,
        string mediaType,
        string tenant = "default",
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentException.ThrowIfNullOrEmpty(mediaType);
        ArgumentException.ThrowIfNullOrEmpty(tenant);
        return Attachments.PutAsync(store, tenant, content, mediaType, cancellationToken);
    }

    public RunHandle Get(RunId run) => new(run, store, hub, poll, streams, time);

    private static void Check(RunRequest request)
    {
        if (string.IsNullOrWhiteSpace(request.Tenant))
            throw new ArgumentException("RunRequest.Tenant is empty; name the tenant, or leave it out for 'default'.");
        foreach ((string name, string? value) in new[] { ("User", request.User), ("Session", request.Session), ("Key", request.Key) })
        {
            if (value is not null && string.IsNullOrWhiteSpace(value))
                throw new ArgumentException($"RunRequest.{name} is empty; give a value, or null for none.");
        }

        Labels.Check(request.Labels);
        request.Ceilings?.Check();
    }

    /// <summary>A key that comes again with another request is a mistake of the caller's: it would take the other run for its
    /// own.</summary>
    private async Task CheckSameAsync(RunId run, RunStarted asked, CancellationToken cancellationToken)
    {
        await foreach (JournalEntry first in store.ReadAsync(run, 0, cancellationToken))
        {
            var was = (RunStarted)first.Event;
            RunStarted same = was with { Agent = asked.Agent, Input = asked.Input, User = asked.User, Session = asked.Session };
            if (!EventWire.Write(was).AsSpan().SequenceEqual(EventWire.Write(same)))
                throw new KeyReusedException(asked.Key!, run);
            return;
        }
    }

    private RunHandle Begun(StartResult result)
    {
        if (result.Full is { } full)
            throw new QueueFullException(full);
        hub.Notify(result.Run);
        return Get(result.Run);
    }
}
