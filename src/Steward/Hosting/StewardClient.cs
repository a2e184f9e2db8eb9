using Microsoft.Extensions.Options;
using Steward.Agents;
using Steward.Runs;
using Steward.Storage;

namespace Steward.Hosting;

internal sealed class StewardClient(IStewardStore store, AgentRegistry agents, RunHub hub, IOptions<StewardOptions> options, TimeProvider time) : IStewardClient
{
    public async Task<RunHandle> StartAsync(string agent, RunRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        AgentDefinition definition = agents.Find(agent)
            ?? throw new StewardException($"There is no agent '{agent}' here; there are: {string.Join(", ", agents.Names.Order(StringComparer.Ordinal))}.");
        await store.PutAsync(new Blob(definition.Hash, definition.Json), cancellationToken);
        RunId id = RunId.New(time);
        var started = new RunStarted
        {
            Agent = definition.Name,
            AgentVersion = definition.Version,
            DefinitionHash = definition.Hash,
            Tenant = request.Tenant,
            User = request.User,
            Session = request.Session,
            Key = request.Key,
            Input = request.Input,
            Ceilings = definition.Ceilings.Tighten(request.Ceilings),
        };
        StartResult result = await store.StartAsync(
            new RunStart
            {
                Run = id,
                Entry = JournalEntry.Create(id, 1, JournalEntry.Origin, started, time.GetUtcNow()),
                SessionCeilings = definition.SessionCeilings,
            },
            cancellationToken);
        hub.Notify(result.Run);
        return Get(result.Run);
    }

    public RunHandle Get(RunId run) => new(run, store, hub, options.Value.PollInterval, time);
}
